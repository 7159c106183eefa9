"""`report.json` and `report.md`: every figure of a job, for programs and for people."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmml_tf.evaluation.tables import (
    BASELINE_NAMES,
    SPACE_NAMES,
    accuracy_table,
    cross_table_rows,
    format_figure,
    markdown,
)
from dmml_tf.spaces import WHOLE
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json, write_text

JSON_FILE, MARKDOWN_FILE = "report.json", "report.md"

CAPTIONS = {
    "cross_table": "Each sub-space (row) on each condition's triplets (column).",
    "learning_curves": "Loss and measures by epoch.",
    "map_": "The test tracks in one sub-space, coloured by its label.",
}
# What a run folder may hold; the report lists those that are there.
FILES = {
    "report.json": "the figures of this page, for programs",
    "config.json": "the configuration the run was trained with",
    "model.json": "conditions, network, signal chain, vocabularies",
    "embedding.keras": "the network: log-mel windows to embeddings",
    "embedding.weights.h5": "its weights",
    "history.csv": "one row an epoch",
    "evaluation.json": "what `dmml evaluate` found last",
    "export": "SavedModel: audio samples to embedding and sub-spaces, for TF Serving",
    "index": "the search index",
    "tensorboard": "scalars for TensorBoard",
    "stages.json": "what each stage took",
}


def write_report(folder: str | os.PathLike, report: Mapping) -> None:
    """Checks the report's form, then writes `report.json` and `report.md`, each whole or not at all.

    Args:
        folder: a run folder; the PNG files in it and in its `plots/` are shown in `report.md`.
        report: `{"versions": {name: str}, "seed": int, "stages": [{"name", "seconds", "peak_rss_mib"}],
            "dataset": {"tracks": {split: int}, "mutual_information": {a: {b: float}}},
            "triplet_accuracy": {system: {"whole" | "subspace": {condition | "overall":
            {"value", "low", "high", "n"} or None}}}, "cross_table": {sub-space: {triplets: float or None}},
            "segments": as in `evaluation.json`, where the dataset has labels of segments,
            "throughput": {"pipeline_windows_per_s": float, "train_windows_per_s": float}}`.

    Raises:
        UserError: naming the first place where the form is not kept.
    """
    check_report(report)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / JSON_FILE, report)
    write_text(folder / MARKDOWN_FILE, to_markdown(folder, report))


def check_report(report: Mapping) -> None:
    """Raises `UserError` that names the first place where `report` is not of the form above."""
    for key in ("versions", "dataset", "triplet_accuracy", "cross_table", "throughput"):
        _demand(isinstance(report.get(key), Mapping), key, "an object")
    _demand(isinstance(report.get("seed"), int), "seed", "an integer")
    _demand(isinstance(report.get("stages"), Sequence), "stages", "a list")
    for number, stage in enumerate(report["stages"]):
        _demand(isinstance(stage.get("name"), str), f"stages[{number}].name", "text")
        for key in ("seconds", "peak_rss_mib"):
            _demand(_is_number(stage.get(key)), f"stages[{number}].{key}", "a number")
    for key in ("tracks", "mutual_information"):
        _demand(isinstance(report["dataset"].get(key), Mapping), f"dataset.{key}", "an object")
    for key in ("pipeline_windows_per_s", "train_windows_per_s"):
        _demand(_is_number(report["throughput"].get(key)), f"throughput.{key}", "a number")
    for place, value in _cells(report["cross_table"], "cross_table"):
        _demand(value is None or _is_share(value), place, "a share from 0 to 1, or null")
    _check_scores(report["triplet_accuracy"], "triplet_accuracy")
    _check_scores(report.get("segments", {}).get("triplet_accuracy", {}), "segments.triplet_accuracy")


def _check_scores(systems: Mapping, place: str) -> None:
    for system, spaces in systems.items():
        where = f"{place}.{system}"
        _demand(isinstance(spaces, Mapping) and set(spaces) == set(SPACE_NAMES), where, "'whole' and 'subspace'")
        for name, score in _cells(spaces, where):
            _check_score(name, score)


def _check_score(place: str, score: Mapping | None) -> None:
    if score is None:
        return
    _demand(isinstance(score, Mapping), place, "an object or null")
    for key in ("value", "low", "high"):
        _demand(_is_share(score.get(key)), f"{place}.{key}", "a share from 0 to 1")
    _demand(score["low"] <= score["high"], place, "low <= high")
    _demand(isinstance(score.get("n"), int) and score["n"] > 0, f"{place}.n", "a positive integer")


def _demand(holds: bool, place: str, wanted: str) -> None:
    if not holds:
        raise UserError(f"report: '{place}' must be {wanted}; correct what is handed to write_report")


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _is_share(value) -> bool:
    return _is_number(value) and 0.0 <= value <= 1.0


def _cells(table: Mapping, place: str) -> Iterator[tuple[str, Any]]:
    for row, columns in table.items():
        _demand(isinstance(columns, Mapping), f"{place}.{row}", "an object")
        for column, value in columns.items():
            yield f"{place}.{row}.{column}", value


def to_markdown(folder: Path, report: Mapping) -> str:
    """The report as a page; images and files are listed as they are in `folder`."""
    parts = [
        "# Report",
        _accuracy(report["triplet_accuracy"]),
        _segments(report.get("segments")),
        _cross(report["cross_table"]),
        _images(folder),
        _data(report["dataset"]),
        _cost(report),
        _files(folder),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _accuracy(systems: Mapping) -> str:
    if not systems:
        return ""
    intro = (
        "## Triplet accuracy\n\nThe share of held-out triplets whose positive lies nearer to the anchor than the "
        "negative; chance is 0.5. In brackets the 95 % interval, from resampled tracks. Condition triplets "
        "compare whole songs, track triplets 3 s windows; overall is the mean over the conditions without the "
        "track triplets."
    )
    if "mfcc_vq" in systems:
        intro += " MFCC-VQ has one space: both tables show its same figures."
    trained = next((spaces for system, spaces in systems.items() if system not in BASELINE_NAMES), None)
    if trained is not None:
        scored = trained[WHOLE].items()
        counts = ", ".join(f"{name} {score['n'] if score else 0}" for name, score in scored)
        intro += f" Triplets: {counts}."
    return "\n\n".join([intro, *_accuracy_tables(systems)])


def _segments(content: Mapping | None) -> str:
    if content is None:
        return ""
    intro = (
        f"## Triplet accuracy of segments\n\n{content['segments']} segments of {content['songs']} songs, each compared "
        "by the 3 s windows that lie in it; a negative may be another segment of the anchor's song. "
        f"{content['too_short']} more are too short for a window."
    )
    return "\n\n".join([intro, *_accuracy_tables(content["triplet_accuracy"])])


def _accuracy_tables(systems: Mapping) -> Iterator[str]:
    return (f"### {title}\n\n{accuracy_table(systems, space)}" for space, title in SPACE_NAMES.items())


def _cross(cross: Mapping) -> str:
    if not cross:
        return ""
    return (
        "## Cross table\n\nSub-space (row) on the triplets of a condition (column). High on the diagonal, near 0.5 "
        f"elsewhere, apart from what the labels share.\n\n{cross_table_rows(cross)}"
    )


def _images(folder: Path) -> str:
    found = sorted([*folder.glob("[!.]*.png"), *folder.glob("plots/[!.]*.png")])
    shown = [(path, text) for path in found for prefix, text in CAPTIONS.items() if path.stem.startswith(prefix)]
    pictures = [f"![{path.stem}]({path.relative_to(folder).as_posix()})\n\n{text}" for path, text in shown]
    return "\n\n".join(["## Pictures", *pictures]) if pictures else ""


def _data(dataset: Mapping) -> str:
    parts = ["## Data", markdown(["split", "tracks"], [[name, str(n)] for name, n in dataset["tracks"].items()])]
    information = dataset["mutual_information"]
    if information:
        columns = list(dict.fromkeys(name for row in information.values() for name in row))
        rows = [[name, *(format_figure(row.get(column), 3) for column in columns)] for name, row in information.items()]
        parts += [
            "What one label tells about another (mutual information; 0 is nothing):",
            markdown(["", *columns], rows),
        ]
    return "\n\n".join(parts)


def _cost(report: Mapping) -> str:
    stages = [
        [row["name"], format_figure(row["seconds"], 1), format_figure(row["peak_rss_mib"], 0)]
        for row in report["stages"]
    ]
    speed = [[name.replace("_", " "), format_figure(value, 1)] for name, value in report["throughput"].items()]
    versions = [[name, str(version)] for name, version in report["versions"].items()]
    return "\n\n".join(
        [
            "## Cost",
            markdown(["stage", "seconds", "peak memory, MiB"], stages),
            markdown(["throughput", ""], speed),
            f"Seed {report['seed']}.",
            markdown(["package", "version"], versions),
        ]
    )


def _files(folder: Path) -> str:
    rows = [[f"`{name}`", text] for name, text in FILES.items() if (folder / name).exists()]
    return f"## Files\n\n{markdown(['file', 'what it is'], rows)}" if rows else ""
