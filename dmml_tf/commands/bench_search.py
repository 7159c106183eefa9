"""`dmml bench search`: recall and time of searches in an index of made vectors."""

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.search import bench_search


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_integer(
        "vectors", 1_000_000, "Made tracks; a million takes some 2 GB.", lower_bound=11, flag_values=fv
    )
    flags.DEFINE_integer("searches", 200, "Random searches.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of vectors and searches.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the figures."""
    print(machine_line())
    print(bench_search(fv.vectors, fv.searches, seed=fv.seed))
