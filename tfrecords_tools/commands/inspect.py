"""`dmml-records inspect`: what a dataset holds, as tables and pictures."""

from pathlib import Path

from absl import flags

from tfrecords_tools.check.inspect import format_report, inspect_dataset, write_report
from tfrecords_tools.dataset import Dataset


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("data", None, "folder of the dataset", required=True, flag_values=fv)
    flags.DEFINE_string("out", None, "folder of inspect.json and the pictures; default: DATA/inspect", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tables and says where the pictures are."""
    report = inspect_dataset(Dataset.load(fv.data))
    print(format_report(report))
    written = write_report(report, Path(fv.out or Path(fv.data) / "inspect"))
    print(f"\n{written[0].parent}: {', '.join(path.name for path in written)}")
