"""`dmml-records folder`: a folder tree of audio without labels -> a manifest."""

from absl import flags

from tfrecords_tools.sources.folder import read_folder
from tfrecords_tools.sources.manifest_out import write_manifest


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "audio", None, "folder whose audio files, at any depth, are listed", required=True, flag_values=fv
    )
    flags.DEFINE_string("out", None, "manifest to write: .csv or .csv.gz", required=True, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the manifest and says what is in it."""
    print(write_manifest(read_folder(fv.audio), fv.out, dimensions=(), values=("tempo",)))
