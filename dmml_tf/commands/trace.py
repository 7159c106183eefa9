"""`dmml trace`: how a song moves through every sub-space, as a picture and as JSON."""

from pathlib import Path

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_or_library_flags
from dmml_tf.embed.embedder import Embedder
from dmml_tf.run import Run
from dmml_tf.search.of_run import find_index
from dmml_tf.trace.trace import trace_audio
from dmml_tf.trace.write import write_trace

TRACES_FOLDER = "traces"  # within the folder of a run or a library


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_or_library_flags(fv, "Folder of a trained run, whose index, if there, names the nearest labels")
    flags.DEFINE_string(
        "audio", None, "Audio file of at least 3 s: wav, flac, ogg or mp3.", flag_values=fv, required=True
    )
    flags.DEFINE_string(
        "out", None, "Folder to write; default: traces/NAME in the folder of the run or the library.", flag_values=fv
    )
    flags.DEFINE_float("hop", 0.5, "Seconds from one window to the next.", lower_bound=0.02, flag_values=fv)
    flags.DEFINE_float("max_seconds", 1200.0, "At most that much of the song is read.", lower_bound=3.0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the trace and says where each sub-space changes."""
    trained = Run.load(chosen_run(fv))
    trace = trace_audio(fv.audio, Embedder.of_run(trained), trained.conditions, fv.hop, fv.max_seconds)
    home = Path(fv.library).expanduser() if fv.library else trained.folder
    folder = Path(fv.out) if fv.out else home / TRACES_FOLDER / Path(fv.audio).stem
    content = write_trace(trace, folder, find_index(trained))
    print(f"{folder}: {len(trace.vectors)} windows, {trace.seconds:.1f} s")
    for name, subspace in content["subspaces"].items():
        print(f"{name}: " + (", ".join(f"{second:.1f} s" for second in subspace["boundaries"]) or "no change"))
