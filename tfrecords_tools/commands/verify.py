"""`dmml-records verify`: reads every record of a dataset back."""

from absl import flags

from tfrecords_tools.check.verify import verify
from tfrecords_tools.dataset import Dataset


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("data", None, "folder of the dataset", required=True, flag_values=fv)
    flags.DEFINE_boolean(
        "allow_duplicates",
        False,
        "let the same sound be in two splits under two ids; default: refuse it",
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Says what was read; the first fault ends the command with status 2."""
    print(f"{fv.data}: {verify(Dataset.load(fv.data), fv.allow_duplicates)}")
