"""`dmml bench step`: how long a training step takes, beside the same network in PyTorch where that is installed."""

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.training_step import StepPlan, bench_step


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_multi_string(
        "config",
        ["disentangled_track", "demo"],
        "Configurations whose network and batch are timed, one after another.",
        flag_values=fv,
    )
    flags.DEFINE_integer("steps", 10, "Timed in each process.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("rounds", 2, "Processes of each, in turn.", lower_bound=1, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints a line for each configuration."""
    print(machine_line())
    for name in fv.config:
        print(bench_step(StepPlan.of_config(name), fv.steps, fv.rounds), flush=True)
