"""`dmml trace_study`: makes songs that change in one label and measures which sub-space notices."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.study_songs import draw_songs, read_plans
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from tfrecords_tools.errors import require_extra
from tfrecords_tools.files import write_json, write_text

_NEEDED = ("music21", "pretty_midi", "midirenderer", "mir_eval")


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv, "Folder of a run trained on the demo corpus")
    flags.DEFINE_string(
        "data", None, "Folder of the records, with corpus/ in it; default: those of the run.", flag_values=fv
    )
    flags.DEFINE_string(
        "out", None, "Folder to write; default: RUN/trace_study. Songs already there are kept.", flag_values=fv
    )
    flags.DEFINE_integer("songs", 80, "Number of songs.", lower_bound=4, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the songs.", lower_bound=0, flag_values=fv)
    flags.DEFINE_float("hop", 0.5, "Seconds from one window to the next.", lower_bound=0.02, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes seedN/songs/*.flac, trace_study.json and trace_study.md; prints the page."""
    require_extra("demo", "the study", *_NEEDED)
    from dmml_tf.benchmarks.trace_study import content_of, measure, to_markdown

    trained = Run.load(chosen_run(fv))
    corpus, folder = Path(trained.records(fv.data)) / "corpus", Path(fv.out or trained.folder / "trace_study")
    # By seed, so that songs of another seed are not taken for these.
    rows = measure(trained, draw_songs(read_plans(corpus), fv.songs, fv.seed), folder / f"seed{fv.seed}", fv.hop)
    content = content_of(rows, fv.seed, fv.hop)
    write_json(folder / "trace_study.json", content)
    page = to_markdown(content)
    write_text(folder / "trace_study.md", page)
    print(page)
