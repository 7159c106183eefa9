"""`dmml bench excerpts`: what songs' vectors lose by `--excerpts`, and how much faster they are made."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.excerpts import COUNTS, excerpts_table, measure_excerpts
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "data", None, "Dataset folder, whose audio files are heard; default: the run's.", flag_values=fv
    )
    flags.DEFINE_enum("split", "valid", ["train", "valid", "test"], "Split of the dataset.", flag_values=fv)
    flags.DEFINE_list("excerpts", [str(count) for count in COUNTS], "How many, one after the other.", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the triplets.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string("out", "bench_excerpts.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures.

    Raises:
        UserError: if a number of excerpts is none, and as `measure_excerpts`.
    """
    print(machine_line())
    if not all(count.isdecimal() and int(count) for count in fv.excerpts):
        raise UserError(f"--excerpts={','.join(fv.excerpts)}: takes numbers of 1 or more, such as 4,12")
    trained = Run.load(chosen_run(fv))
    dataset = Dataset.load(trained.records(fv.data))
    paths = audio_paths(dataset.folder / TRACKS_FILE)
    figures = measure_excerpts(trained, dataset, fv.split, paths, [int(count) for count in fv.excerpts], seed=fv.seed)
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)
    write_json(Path(fv.out), figures)
    print(f"{excerpts_table(figures)}\nwritten: {fv.out}")
