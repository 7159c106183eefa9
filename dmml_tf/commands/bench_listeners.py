"""`dmml bench listeners`: simulated listeners, and whether what is measured of them is what was put in."""

from absl import flags

from dmml_tf.benchmarks.listeners import simulate, simulation_text
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.judge.asking import Options
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string("data", None, "Dataset folder; default: the one the run was trained on.", flag_values=fv)
    flags.DEFINE_string("taste", "genre", "Sub-space that decides which song is closer.", flag_values=fv)
    flags.DEFINE_integer("triplets", 200, "Questions.", lower_bound=1, flag_values=fv)
    flags.DEFINE_float(
        "disagreeing",
        0.5,
        "Share of them about what sub-spaces disagree about.",
        lower_bound=0.0,
        upper_bound=0.9,
        flag_values=fv,
    )
    flags.DEFINE_float(
        "repeats", 0.5, "Share of them that come twice.", lower_bound=0.0, upper_bound=1.0, flag_values=fv
    )
    flags.DEFINE_integer("seed", 0, "Of everything that is drawn.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tables.

    Raises:
        UserError: as `dmml_tf.benchmarks.listeners.simulate`.
    """
    trained = Run.load(chosen_run(fv))
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    options = Options("test", fv.triplets, fv.disagreeing, fv.repeats, fv.seed)
    print(simulation_text(simulate(trained, dataset, fv.taste, options)))
