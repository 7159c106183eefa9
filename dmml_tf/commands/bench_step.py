"""`dmml bench step`: how long a training step takes, beside the same network in PyTorch where that is installed."""

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.training_step import StepPlan, bench_steps


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_multi_string(
        "config",
        ["disentangled_track", "demo"],
        "Configurations whose network and batch are timed, in turn.",
        flag_values=fv,
    )
    flags.DEFINE_bool("small", False, "Make each narrow first, as the tables do.", flag_values=fv)
    flags.DEFINE_integer("steps", 10, "Timed in each process.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("rounds", 2, "Processes of each, in turn.", lower_bound=1, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints a line for each configuration."""
    print(machine_line(), flush=True)
    for line in bench_steps([StepPlan.of_config(name, fv.small) for name in fv.config], fv.steps, fv.rounds):
        print(line)
