"""`dmml bench stretches`: what an index of stretches finds that one of whole songs does not, in how many rows."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.stretches import measure_stretches, stretches_table
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.files import write_json


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string("data", None, "Dataset folder; default: the run's.", flag_values=fv)
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split to make medleys of.", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the medleys.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string("out", "bench_stretches.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures; `UserError` as `measure_stretches`."""
    print(machine_line())
    trained = Run.load(chosen_run(fv))
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    figures = measure_stretches(trained, dataset, fv.split, seed=fv.seed)
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)
    write_json(Path(fv.out), figures)
    print(f"{stretches_table(figures)}\nwritten: {fv.out}")
