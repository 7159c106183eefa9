"""`dmml bench inference`: the network by each engine that is installed, and a query by audio from its start on."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.inference import bench_engines, bench_queries, inference_tables
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.data.signal import Signal
from dmml_tf.run import Run
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "audio", None, "Audio file to ask by; default: three made minutes of Ogg Vorbis.", flag_values=fv
    )


def run(fv: flags.FlagValues) -> None:
    """Prints both tables.

    Raises:
        UserError: if the run's network takes samples, which TensorFlow alone computes, or there is no such file.
    """
    print(machine_line())
    trained = Run.load(chosen_run(fv))
    trained.require_slices()
    if Signal.from_config(trained.network, trained.features).takes_samples:
        raise UserError(
            f"{trained.folder}: its network takes samples, which only TensorFlow computes; name another run"
        )
    audio = Path(fv.audio) if fv.audio else None
    if audio and not audio.is_file():
        raise UserError(f"--audio={audio}: no such file")
    print(inference_tables(bench_engines(trained), bench_queries(trained, audio)))
