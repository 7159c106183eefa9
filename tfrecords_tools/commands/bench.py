"""`dmml-records bench`: where the time of a build goes, on this machine."""

from absl import flags

from tfrecords_tools.benchmarks.build import run_bench, table


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_integer("clips", 24, "made of each format (wav, ogg, mp3)", lower_bound=8, flag_values=fv)
    flags.DEFINE_float("seconds", 30.0, "length of a clip", lower_bound=3.0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Makes the clips, times, prints the table."""
    print(table(run_bench(fv.clips, fv.seconds)))
