"""`dmml bench input`: windows a second that the input delivers, part by part."""

import dataclasses
from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.input import input_table, measure_input
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.commands.configuration import define_config_flag, read_config
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.signal import Signal
from dmml_tf.training.config import from_fields, load_data
from dmml_tf.training.train import conditions_from_config
from tfrecords_tools.files import write_json


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_config_flag(fv, "disentangled_track")
    flags.DEFINE_string("data", None, "Folder of a built dataset.", required=True, flag_values=fv)
    flags.DEFINE_enum("split", "train", ["train", "valid", "test"], "Split to draw from.", flag_values=fv)
    flags.DEFINE_integer("batches", 60, "Batches in each of three rounds.", lower_bound=1, flag_values=fv)
    flags.DEFINE_string("out", "bench_input.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures.

    Raises:
        UserError: as `conditions_from_config` and `form_dataset`.
    """
    print(machine_line())
    config = read_config(fv)
    dataset = load_data(config, fv.data)
    conditions = conditions_from_config(config, dataset)
    plan = from_fields(BatchPlan, "config.batch", config.batch)
    signal = Signal.from_config(config.network, dataset.features)
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)
    rates = measure_input(dataset, fv.split, conditions, plan, signal, config.seed, fv.batches)
    write_json(Path(fv.out), [dataclasses.asdict(rate) for rate in rates])
    print(f"{input_table(rates)}\nwritten: {fv.out}")
