"""A row's systems on the bench: every figure of the tables, and which triplets were right."""

import dataclasses
import time
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.cross_table import cross_table
from dmml_tf.evaluation.disentanglement import disentanglement, label_cross_table
from dmml_tf.evaluation.evaluate import OVERALL, answers, scores
from dmml_tf.evaluation.human import agreement_with_people, embed_clips
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.tagging import tagging
from dmml_tf.papers.bench import SPLIT, Bench
from dmml_tf.papers.system import System
from dmml_tf.spaces import SUBSPACE, WHOLE

HUMAN = "human.whole"


@dataclasses.dataclass(frozen=True)
class Measured:
    """One row under one seed.

    Attributes:
        figures: "whole.genre", "subspace.overall", "whole.R@1", "whole.auc", "human.whole" -> {"value", and
            "low", "high", "n" where there is an interval}. What the row does not have is not in it.
        details: for the JSON: the cross table, retrieval and tagging a condition, clips that are missing.
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


def measure(systems: Sequence[System], bench: Bench) -> Measured:
    """Scores a row. Embeddings are made once a system and dropped before the next.

    Args:
        systems: one, or one a condition, which then fill one row together.
        bench: what they are scored on.

    Raises:
        UserError: as the systems' `embed`.
    """
    begun = time.monotonic()
    right, found, details = {WHOLE: {}, SUBSPACE: {}}, {}, {}
    for system in systems:
        _score_one(system, bench, right, found, details)
    figures = {}
    for where in (WHOLE, SUBSPACE):
        figures.update(_triplet_figures(right[where], bench, where))
        figures.update(_means(found, bench, where))
    if len(systems) == 1:
        figures.update(_human(systems[0], bench, details))
    return Measured(
        figures,
        {**details, **found},
        right,
        *(_total(systems, field) for field in ("parameters", "steps", "seconds")),
        time.monotonic() - begun,
    )


def _score_one(system: System, bench: Bench, right: dict, found: dict, details: dict) -> None:
    test = system.embed(SPLIT)
    train = system.embed("train") if bench.tagging else None
    for where, masks in system.views.items():
        right[where].update(
            answers(
                bench.held_out,
                lambda name, masks=masks: system.space(
                    test.windows if bench.held_out.on_windows(name) else test.vectors, masks[name]
                ),
                masks,
            )
        )
        found.setdefault("retrieval", {}).setdefault(where, {}).update(_retrieval(system, test, masks, bench))
        if train is not None:
            found.setdefault("tagging", {}).setdefault(where, {}).update(_tagging(system, train, test, masks, bench))
    owned = {
        name: mask
        for name, mask in system.views.get(SUBSPACE, {}).items()
        if mask is not None and name in bench.conditions.subspaces
    }
    if owned:
        table = cross_table(test, bench.held_out, system.norm_order, owned)
        figure = disentanglement(table, label_cross_table(bench.held_out, bench.labels))
        details["cross_table"] = table
        details["disentanglement"] = figure and dataclasses.asdict(figure)


def _retrieval(system: System, test: Embedded, masks: Mapping, bench: Bench) -> dict[str, dict]:
    found = {}
    for condition in bench.conditions:
        if condition.name not in masks or condition.kind == "same_track":
            continue
        one = retrieval(system.space(test.vectors, masks[condition.name]), bench.labels, condition)
        if one is not None:
            found[condition.name] = dataclasses.asdict(one)
    return found


def _tagging(system: System, train: Embedded, test: Embedded, masks: Mapping, bench: Bench) -> dict[str, dict]:
    found, vocabularies = {}, bench.dataset.schema.vocabularies
    for condition in bench.conditions:
        if condition.name not in masks or condition.name not in bench.tagged:
            continue
        mask, tags = masks[condition.name], vocabularies[condition.column]
        one = tagging(
            system.space(train.vectors, mask),
            train.labels[condition.column],
            system.space(test.vectors, mask),
            test.labels[condition.column],
            len(tags),
        )
        found[condition.name] = {
            "macro": one.macro,
            "auc": {tags[tag]: value for tag, value in one.auc.items()},
            "left_out": [tags[tag] for tag in one.left_out],
            "tracks": one.tracks,
        }
    return found


def _triplet_figures(right: Mapping[str, np.ndarray], bench: Bench, where: str) -> dict[str, dict]:
    found = scores(bench.held_out, right, bench.rounds)
    if not set(bench.compared) <= set(right):
        del found[OVERALL]  # a mean of fewer conditions than the other rows' is another quantity
    return {f"{where}.{name}": score for name, score in found.items() if score is not None}


def _means(found: Mapping, bench: Bench, where: str) -> dict[str, dict]:
    """R@K and ROC-AUC, each the mean over the conditions, where the row has them all."""
    figures = {}
    by_condition = found["retrieval"].get(where, {})
    if bench.compared and set(bench.compared) <= set(by_condition):
        recalls = [by_condition[name]["recall"] for name in bench.compared]
        figures = {f"{where}.R@{k}": {"value": float(np.mean([one[k] for one in recalls]))} for k in recalls[0]}
    tagged = found.get("tagging", {}).get(where, {})
    macros = [one["macro"] for one in tagged.values()]
    if macros and None not in macros and set(tagged) == set(bench.tagged):
        figures[f"{where}.auc"] = {"value": float(np.mean(macros))}
    return figures


def _human(system: System, bench: Bench, details: dict) -> dict[str, dict]:
    if bench.judged is None or system.embed_clip is None:
        return {}
    judged = embed_clips(bench.judged.judgements, bench.judged.clips, system.embed_clip, bench.dataset.features)
    details["judgements"] = {"missing": dict(judged.missing), "without_clips": judged.without_clips}
    if not len(judged.triplets):
        return {}
    found = agreement_with_people(judged, system.space(judged.vectors), bench.held_out.seed, bench.rounds)
    return {HUMAN: dataclasses.asdict(found)}


def _total(systems: Sequence[System], field: str) -> float | None:
    known = [getattr(system, field) for system in systems if getattr(system, field) is not None]
    return sum(known) if known else None
