"""`dmml bench paths`: paths of a run's or a library's songs beside a greedy walk and a shortest path."""

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.paths import NEIGHBOURS, bench_paths
from dmml_tf.commands.run_flag import chosen_run, define_run_or_library_flags
from dmml_tf.library.path import MOST_STEPS, STEPS
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.search.weights import parse_weights


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_or_library_flags(fv)
    flags.DEFINE_integer("pairs", 100, "Random pairs of songs.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("steps", STEPS, "Steps of a path.", lower_bound=2, upper_bound=MOST_STEPS, flag_values=fv)
    flags.DEFINE_string("weights", None, "As of dmml path; default: each condition 1.", flag_values=fv)
    flags.DEFINE_integer(
        "neighbours", NEIGHBOURS, "Nearest songs that the graph joins each with.", lower_bound=1, flag_values=fv
    )
    flags.DEFINE_integer("seed", 0, "Of the pairs.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table."""
    print(machine_line())
    weights = None if fv.weights is None else parse_weights(fv.weights)
    index = Index.load(chosen_run(fv) / INDEX_FOLDER)
    print(bench_paths(index, fv.pairs, fv.steps, weights, fv.neighbours, fv.seed))
