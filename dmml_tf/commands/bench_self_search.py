"""`dmml bench self_search`: whether songs at another level, as MP3, or by their other half find themselves."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.self_search import self_search, self_search_table
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE, track_rows


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "data", None, "Dataset folder, whose audio files are heard; default: the run's.", flag_values=fv
    )
    flags.DEFINE_enum("split", "valid", ["train", "valid", "test"], "Split of the dataset.", flag_values=fv)
    flags.DEFINE_string(
        "manifest", None, "CSV of songs (track_id, path) to hear in place of a dataset's.", flag_values=fv
    )
    flags.DEFINE_integer("seed", 0, "Of the intervals.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string("out", "bench_self_search.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures.

    Raises:
        UserError: if both or no songs are named, and as `self_search`.
    """
    print(machine_line())
    if fv.data and fv.manifest:
        raise UserError("--data and --manifest both name songs; give one of them")
    trained = Run.load(chosen_run(fv))
    paths = audio_paths(fv.manifest) if fv.manifest else _split_paths(trained.records(fv.data), fv.split)
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)
    figures = self_search(trained, paths, fv.seed)
    write_json(Path(fv.out), figures)
    print(f"{self_search_table(figures)}\nwritten: {fv.out}")


def _split_paths(folder: str, split: str) -> dict[str, str]:
    dataset = Dataset.load(folder)
    paths = audio_paths(dataset.folder / TRACKS_FILE)
    return {
        row.track_id: paths[row.track_id]
        for row in track_rows(dataset.folder, dataset.schema)
        if row.split == split and row.track_id in paths
    }
