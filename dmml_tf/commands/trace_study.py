"""`dmml trace_study`: which sub-space notices that a label changes within a song, on songs whose segments say where."""

from pathlib import Path

from absl import flags

from dmml_tf.pretrained.unpack import run_folder
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.files import write_json, write_text


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_multi_string(
        "system",
        None,
        "A row of the tables, NAME=RUN, or NAME=RUN,RUN for the mean over runs of several seeds; give one or more. "
        "Differences are from the first.",
        flag_values=fv,
        required=True,
    )
    flags.DEFINE_string(
        "data", "data/joined", "Folder of records with segments, such as those of dmml-records joined.", flag_values=fv
    )
    flags.DEFINE_string(
        "out", "runs/trace_study", "Folder to write trace_study.json and trace_study.md into.", flag_values=fv
    )
    flags.DEFINE_float("hop", 0.5, "Seconds from one window to the next.", lower_bound=0.02, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the triplets and of the bootstrap.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string(
        "picture", None, "PNG to draw: the novelty of the first song in which each label changes.", flag_values=fv
    )


def run(fv: flags.FlagValues) -> None:
    """Measures every run; writes trace_study.json and trace_study.md, prints the page.

    Raises:
        UserError: if a system has no name or no run, and as `dmml_tf.benchmarks.trace_study.study_run`.
    """
    require_extra("demo", "the study", "mir_eval")
    from dmml_tf.benchmarks.trace_study import study_run
    from dmml_tf.benchmarks.trace_table import summarise, to_markdown

    systems = {name: [Run.load(run_folder(run)) for run in runs] for name, runs in _systems(fv.system).items()}
    studies = {
        name: [study_run(run, Dataset.load(fv.data, run.features), fv.hop, fv.seed) for run in runs]
        for name, runs in systems.items()
    }
    content = {
        "data": str(fv.data),
        "runs": {name: [str(run.folder) for run in runs] for name, runs in systems.items()},
        "songs": len(next(iter(studies.values()))[0].songs),
        "hop": fv.hop,
        "seed": fv.seed,
        "summary": summarise(studies, fv.seed),
    }
    folder = Path(fv.out)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "trace_study.json", content)
    page = to_markdown(content)
    write_text(folder / "trace_study.md", page)
    if fv.picture:
        from dmml_tf.benchmarks.trace_picture import plot_changes

        plot_changes({name: seeds[0] for name, seeds in studies.items()}, Path(fv.picture))
    print(page)


def _systems(texts: list[str]) -> dict[str, list[str]]:
    """Name -> runs, of each NAME=RUN,RUN."""
    systems = {}
    for text in texts:
        name, _, runs = text.partition("=")
        folders = [folder for folder in runs.split(",") if folder]
        if not name or not folders:
            raise UserError(f"--system={text}: takes NAME=RUN or NAME=RUN,RUN, such as --system=demo=runs/demo")
        systems[name] = folders
    return systems
