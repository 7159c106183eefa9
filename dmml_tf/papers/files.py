"""A table's files: `table.md`, `table.csv`, `table.json`, `table.png`, each whole or not there."""

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import ml_collections

from dmml_tf.evaluation.cross_table import label_cross_table, label_information
from dmml_tf.papers.figure import plot_table
from dmml_tf.papers.held_out_side import SPLIT, HeldOutSide
from dmml_tf.papers.page import page
from dmml_tf.papers.pairs import Compared, Tested, compare_pairs
from dmml_tf.papers.summary import Cell, Outcome, cells, papers_first
from tfrecords_tools.files import write_json, write_text

_COUNTS = ("parameters", "steps", "seconds", "scoring_seconds")


def write_table(
    folder: Path, tested: Tested, table: ml_collections.ConfigDict, side: HeldOutSide, outcomes: Sequence[Outcome]
) -> None:
    """Writes all four from the rows so far; `tested` is handed from call to call, empty at first."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = compare_pairs(table.pairs, outcomes, side, tested)
    ordered, by_name = papers_first(outcomes), cells(outcomes)
    write_text(folder / "table.md", page(table, side, outcomes, by_name, pairs))
    write_text(folder / "table.csv", to_csv(ordered, by_name))
    write_json(folder / "table.json", to_json(table, side, ordered, by_name, pairs))
    plot_table(table, ordered, by_name, folder / "table.png")


def to_csv(outcomes: Sequence[Outcome], by_name: Mapping[str, Mapping[str, Cell]]) -> str:
    """One line a row; of each figure the mean, `.deviation`, `.low`, `.high`, `.paper`, empty where there is none."""
    ours = [key for outcome in outcomes for key in by_name[outcome.row.name]]
    keys = list(dict.fromkeys(ours + [key for outcome in outcomes for key in outcome.row.paper]))
    parts = ("value", "deviation", "low", "high")
    head = ["name", "label", "kind", "seeds", *_COUNTS, "failed"]
    head += [f"{key}{'' if part == 'value' else '.' + part}" for key in keys for part in (*parts, "paper")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for outcome in outcomes:
        row = by_name[outcome.row.name]
        line = [
            outcome.row.name,
            outcome.row.label,
            outcome.row.source,
            " ".join(map(str, sorted(outcome.measured))),
            *(_blank(outcome.mean(field)) for field in _COUNTS),
            "; ".join(outcome.failed.values()),
        ]
        for key in keys:
            line += [_blank(getattr(row.get(key), part, None)) for part in parts]
            line.append(_blank(outcome.row.paper.get(key)))
        writer.writerow(line)
    return text.getvalue()


def to_json(
    table: ml_collections.ConfigDict,
    side: HeldOutSide,
    outcomes: Sequence[Outcome],
    by_name: Mapping[str, Mapping[str, Cell]],
    pairs: Sequence[Compared],
) -> dict:
    """Everything: the configuration, each row's figures by seed and over the seeds, the pairs, the labels' own."""
    return {
        "title": table.title,
        "dataset": {
            "name": side.dataset.name,
            "data_sha256": side.data_sha256,
            "split": SPLIT,
            "tracks": side.held_out.tracks,
        },
        "config": json.loads(table.to_json()),
        "triplets": {name: len(drawn) for name, drawn in side.held_out.triplets.items()},
        "labels": {
            "cross_table": label_cross_table(side.held_out, side.labels),
            "mutual_information": label_information(side.conditions, side.labels),
        },
        "judgements": side.judged
        and {"triplets": len(side.judged.judgements.triplets), "no_majority": side.judged.judgements.left_out},
        "rows": [_row(outcome, by_name[outcome.row.name]) for outcome in outcomes],
        "pairs": [dataclasses.asdict(pair) for pair in pairs],
    }


def _row(outcome: Outcome, row_cells: Mapping[str, Cell]) -> dict:
    return {
        "name": outcome.row.name,
        "label": outcome.row.label,
        "kind": outcome.row.source,
        "config": outcome.row.config,
        "paper": dict(outcome.row.paper),
        **{field: outcome.mean(field) for field in _COUNTS},
        "figures": {key: dataclasses.asdict(cell) for key, cell in row_cells.items()},
        "failed": {str(seed): reason for seed, reason in outcome.failed.items()},
        "not_yet": outcome.pending,
        "by_seed": {
            str(seed): {
                "figures": measured.figures,
                **{field: getattr(measured, field) for field in _COUNTS},
                "details": measured.details,
            }
            for seed, measured in outcome.measured.items()
        },
    }


def _blank(value: float | None) -> str:
    return "" if value is None else repr(value)
