"""`dmml-records msd`: the Million Song Dataset's tagging split -> a manifest."""

from absl import flags

from tfrecords_tools.sources.manifest_out import write_manifest
from tfrecords_tools.sources.msd import DIVISION, LEAST_SECONDS, read_msd


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "labels",
        None,
        "folder of {train,valid,test}_x_msd_id.txt, _x_filename.txt, _y.npy and tags.json",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string(
        "audio",
        None,
        "folder of previews: 3/9/3974574.clip.mp3, or .mp3, .wav, .ogg, .flac",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string("out", None, "manifest to write: .csv or .csv.gz", required=True, flag_values=fv)
    flags.DEFINE_float("least_seconds", LEAST_SECONDS, "drop shorter previews", lower_bound=0.0, flag_values=fv)
    flags.DEFINE_string("artists", None, "unique_tracks.txt of the dataset, for artists and titles", flag_values=fv)
    flags.DEFINE_string("keep", None, "text file of the tracks to keep, one id a line", flag_values=fv)
    flags.DEFINE_boolean(
        "skip_audio_check", False, "look at no preview; all are taken to end in .clip.mp3", flag_values=fv
    )


def run(fv: flags.FlagValues) -> None:
    """Writes the manifest and says what is in it."""
    items = read_msd(fv.labels, fv.audio, fv.least_seconds, fv.skip_audio_check, fv.artists, fv.keep)
    print(write_manifest(items, fv.out, tuple(DIVISION), values=("tempo",)))
