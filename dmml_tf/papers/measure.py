"""A row's systems on the held-out side: every figure of the tables, and which triplets were right."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from dmml_tf.evaluation.by_condition import (
    accuracies,
    correct_by_condition,
    retrieval_by_condition,
    tagging_by_condition,
)
from dmml_tf.evaluation.cross_table import cross_table, disentanglement, label_cross_table
from dmml_tf.evaluation.held_out import OVERALL
from dmml_tf.evaluation.human import agreement_with_people, embed_clips
from dmml_tf.papers.held_out_side import SPLIT, HeldOutSide
from dmml_tf.papers.system import System
from dmml_tf.spaces import SUBSPACE, WHOLE

HUMAN = "human.whole"
Number = TypeVar("Number", int, float)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One row under one seed.

    Attributes:
        figures: "whole.genre", "subspace.overall", "whole.R@1", "whole.auc", "human.whole" -> {"value", and
            "low", "high", "n" where there is an interval}. What the row does not have is not in it.
        details: for the JSON: the cross table, retrieval and tagging a condition, clips that are missing, and the
            multiply-adds of a window, summed over the row's networks.
        right: space -> condition -> bool [n], which of the held-out triplets are right.
        parameters, steps, seconds: summed over the row's systems; None where none has any.
        scoring_seconds: what it took to embed and score.
    """

    figures: Mapping[str, Mapping]
    details: Mapping
    right: Mapping[str, Mapping[str, np.ndarray]]
    parameters: int | None
    steps: int | None
    seconds: float | None
    scoring_seconds: float


def measure(systems: Sequence[System], side: HeldOutSide) -> Measured:
    """Scores a row. Embeddings are made once a system and dropped before the next.

    Args:
        systems: one, or one a condition, which then fill one row together.
        side: what they are scored on.

    Raises:
        UserError: as the systems' `embed`.
    """
    begun = time.monotonic()
    figures: dict[str, dict] = {}
    details: dict[str, Mapping | int | None] = {}
    right, measures = _merged([_score(system, side, details) for system in systems])
    for space in (WHOLE, SUBSPACE):
        figures.update(_triplet_figures(right.get(space, {}), side, space))
        figures.update(_means(measures, side, space))
    if len(systems) == 1:
        figures.update(_human(systems[0], side, details))
    counted = _total([system.multiply_adds for system in systems])
    if counted is not None:
        details["multiply_adds"] = counted
    return Measured(
        figures,
        {**details, **measures},
        {WHOLE: {}, SUBSPACE: {}, **right},
        parameters=_total([system.parameters for system in systems]),
        steps=_total([system.steps for system in systems]),
        seconds=_total([system.seconds for system in systems]),
        scoring_seconds=time.monotonic() - begun,
    )


def _score(system: System, side: HeldOutSide, details: dict) -> tuple[Mapping, Mapping]:
    """(space -> condition -> which triplets are right; measure -> space -> condition -> figures) of one system."""
    test = system.embed(SPLIT)
    right = correct_by_condition(test, side.held_out, system.views)
    retrieved = retrieval_by_condition(test, side.conditions, system.views)
    measures: dict[str, Mapping] = {
        "retrieval": {
            space: {name: figures for name, figures in by_condition.items() if figures is not None}
            for space, by_condition in retrieved.items()
        }
    }
    if side.tagging:
        vocabularies = side.dataset.schema.vocabularies
        measures["tagging"] = tagging_by_condition(
            system.embed("train"), test, side.conditions, vocabularies, system.views
        )
    table = cross_table(test, side.held_out, system.views)
    if table:
        figure = disentanglement(table, label_cross_table(side.held_out, side.labels))
        details["cross_table"] = table
        details["disentanglement"] = figure and dataclasses.asdict(figure)
    return right, measures


def _merged(scored: Sequence[tuple[Mapping, Mapping]]) -> tuple[dict, dict]:
    """What several systems that fill one row have together, each of the conditions that are its own."""
    right: dict[str, dict] = {}
    measures: dict[str, dict] = {}
    for system_right, system_measures in scored:
        for space, by_condition in system_right.items():
            right.setdefault(space, {}).update(by_condition)
        for measure_name, spaces in system_measures.items():
            for space, by_condition in spaces.items():
                measures.setdefault(measure_name, {}).setdefault(space, {}).update(by_condition)
    return right, measures


def _triplet_figures(right: Mapping[str, np.ndarray], side: HeldOutSide, space: str) -> dict[str, dict]:
    table = accuracies(side.held_out, right, side.rounds)
    if not set(side.compared) <= set(right):
        del table[OVERALL]  # a mean of fewer conditions than the other rows' is another quantity
    return {f"{space}.{name}": score for name, score in table.items() if score is not None}


def _means(measures: Mapping, side: HeldOutSide, space: str) -> dict[str, dict]:
    """R@K and ROC-AUC, each the mean over the conditions, where the row has them all."""
    figures: dict[str, dict] = {}
    by_condition = measures["retrieval"].get(space, {})
    if side.compared and set(side.compared) <= set(by_condition):
        recalls = [by_condition[name]["recall"] for name in side.compared]
        figures = {f"{space}.R@{k}": {"value": float(np.mean([recall[k] for recall in recalls]))} for k in recalls[0]}
    tagged = measures.get("tagging", {}).get(space, {})
    macros = [figures_of_tags["macro"] for figures_of_tags in tagged.values()]
    if macros and None not in macros and set(tagged) == set(side.tagged):
        figures[f"{space}.auc"] = {"value": float(np.mean(macros))}
    return figures


def _human(system: System, side: HeldOutSide, details: dict) -> dict[str, dict]:
    if side.judged is None or system.embed_clip is None:
        return {}
    judged = embed_clips(side.judged.judgements, side.judged.clips, system.embed_clip, side.dataset.features)
    details["judgements"] = {"missing": dict(judged.missing), "without_clips": judged.without_clips}
    space = system.views.space(judged.vectors)
    agreement = agreement_with_people(judged, space, side.held_out.seed, side.rounds)
    return {} if agreement is None else {HUMAN: dataclasses.asdict(agreement)}


def _total(counts: Sequence[Number | None]) -> Number | None:
    """The sum of what is known; None where nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
