"""`dmml bench duplicates`: how many of made copies of songs are found, and whether different songs are called one."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.duplicates import bench_duplicates, duplicates_table
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.library.duplicates import COSINE
from dmml_tf.library.same_recording import SAME
from dmml_tf.run import Run
from tfrecords_tools.files import write_json
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "data", None, "Dataset folder, whose audio files are copied; default: the run's.", flag_values=fv
    )
    flags.DEFINE_string(
        "manifest", None, "CSV of songs (track_id, path) to copy in place of a dataset's.", flag_values=fv
    )
    flags.DEFINE_integer("copied", None, "Songs that are copied; default: all.", lower_bound=1, flag_values=fv)
    flags.DEFINE_float("cosine", COSINE, "As in dmml duplicates.", flag_values=fv)
    flags.DEFINE_float("similarity", SAME, "As in dmml duplicates.", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the songs that are copied.", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("workers", 0, "Processes that decode; 0: one a core.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string("out", "bench_duplicates.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures."""
    print(machine_line())
    trained = Run.load(chosen_run(fv))
    paths = audio_paths(fv.manifest or Path(trained.records(fv.data), TRACKS_FILE))
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)
    result = bench_duplicates(trained, paths, fv.copied, fv.cosine, fv.similarity, fv.seed, fv.workers)
    write_json(Path(fv.out), result)
    print(f"{duplicates_table(result)}\nwritten: {fv.out}")
