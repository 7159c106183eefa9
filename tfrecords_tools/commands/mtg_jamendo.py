"""`dmml-records mtg_jamendo`: MTG-Jamendo's autotagging files -> a manifest."""

from absl import flags

from tfrecords_tools.sources.manifest_out import write_manifest
from tfrecords_tools.sources.mtg_jamendo import DIMENSIONS, read_mtg_jamendo


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "labels",
        None,
        "folder of autotagging_{genre,instrument,moodtheme}-{train,validation,test}"
        ".tsv, or of folders split-0 to split-4 of them",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string("audio", None, "folder of MP3s: 73/773.mp3 or 73/773.low.mp3", required=True, flag_values=fv)
    flags.DEFINE_string("out", None, "manifest to write: .csv or .csv.gz", required=True, flag_values=fv)
    flags.DEFINE_integer("split", 0, "which of the five splits", lower_bound=0, upper_bound=4, flag_values=fv)
    flags.DEFINE_boolean("skip_audio_check", False, "look at no audio file", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the manifest and says what is in it."""
    items = read_mtg_jamendo(fv.labels, fv.audio, fv.split, fv.skip_audio_check)
    print(write_manifest(items, fv.out, DIMENSIONS, values=("tempo",)))
