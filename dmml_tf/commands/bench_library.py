"""`dmml bench library`: time and memory of load, search, path and playlist among many made songs."""

from absl import flags

from dmml_tf.benchmarks.library import bench_library
from dmml_tf.benchmarks.machine import machine_line


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_multi_integer(
        "songs",
        [100_000, 1_000_000],
        "Made songs, one library after another; a million takes some 4 GB.",
        flag_values=fv,
    )
    flags.DEFINE_integer("repeats", 5, "Times that each thing is done.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the songs and of what is asked.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the figures."""
    print(machine_line())
    for songs in fv.songs:
        print(bench_library(songs, fv.repeats, fv.seed), flush=True)
