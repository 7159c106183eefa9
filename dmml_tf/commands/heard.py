"""`dmml heard`: fits what a run's sub-spaces say of songs that nobody labelled, and how far to believe it."""

from collections.abc import Mapping
from typing import Any

from absl import flags
from tabulate import tabulate

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.heard.fit import fit_run
from dmml_tf.heard.heard_as import HEARD_FILE
from dmml_tf.pictures.reliability import plot_reliability
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.files import write_json

FIGURES_FILE, PICTURE_FILE = "heard_as.json", "heard_as.png"


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "data",
        None,
        "Folder of the records: train is fitted on, valid is calibrated and judged on; default: those the run was "
        "trained on.",
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Writes `heard_as.npz`, figures and a reliability plot into the run's folder, and says how good it is."""
    trained = Run.load(chosen_run(fv))
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    heard_as, figures = fit_run(trained, dataset)
    write_json(trained.folder / FIGURES_FILE, {"model": heard_as.model, "conditions": figures})
    if any("after" in row for row in figures.values()):
        plot_reliability(figures, trained.folder / PICTURE_FILE)
    heard_as.save(trained.folder / HEARD_FILE)  # last: what is there was told of
    print(f"{figures_text(figures)}\nwritten: {trained.folder / HEARD_FILE}, {FIGURES_FILE}, {PICTURE_FILE}")


def figures_text(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of the conditions, and a line for each that says nothing, with the reason."""
    header = ["", "train", "valid", "right of valid", "gain", "calibration error, before", "after"]
    rows = [
        [name, row["train"], row["valid"], _right(row), f"{row['gain']:.3f} ± {2 * row['gain_error']:.3f}",
         f"{row['error_before']:.3f}", f"{row['error_after']:.3f}"]
        for name, row in figures.items()
        if "gain" in row
    ]  # fmt: skip
    table = [tabulate(rows, header, disable_numparse=True)] if rows else []
    why = [f"{name} is left out: {row['why']}" for name, row in figures.items() if not row["kept"]]
    return "\n".join([*table, *why])


def _right(row: Mapping[str, Any]) -> str:
    if "hits" in row:
        return f"{row['hits']:.2f} of the values ({row['hits_of_one_value']:.2f} by one value for all)"
    if row["auc"] is None:
        return f"{row['tags']} tags"
    return f"{row['tags']} tags, AUC {row['auc']:.3f}, mAP {row['map']:.3f}"
