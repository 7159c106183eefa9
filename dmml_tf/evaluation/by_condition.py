"""One system on held-out tracks, a figure a condition, in its whole space and in its sub-spaces.

Whatever is scored, a run by `dmml evaluate` or a row of a table, is scored here: triplets, retrieval, tagging, people.

Source: Lee et al., ICASSP 2020, section 4.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import Score, bootstrap, interval, is_correct, score
from dmml_tf.evaluation.held_out import OVERALL, HeldOut
from dmml_tf.evaluation.human import EmbeddedClips, agreement_with_people
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.tagging import tagging
from dmml_tf.evaluation.views import Views
from dmml_tf.spaces import WHOLE

Vocabularies = Mapping[str, Sequence[str]]  # column -> its tags


def correct_by_condition(embedded: Embedded, held_out: HeldOut, views: Views) -> dict[str, dict[str, np.ndarray]]:
    """Which held-out triplets are right, in every space of a system.

    Args:
        embedded: the system's vectors of the tracks and windows that `held_out` was drawn from.
        held_out: the triplets.
        views: how the vectors are compared.

    Returns:
        {space: {condition: bool [n]}}. Conditions without a triplet do not appear, nor those that a space lacks.
    """

    def correct(name: str, mask: np.ndarray | None) -> np.ndarray:
        return is_correct(views.space(held_out.items(embedded, name), mask), held_out.triplets[name])

    drawn = [name for name in held_out.conditions.names if len(held_out.triplets[name])]
    return {
        space: {name: correct(name, masks[name]) for name in drawn if name in masks}
        for space, masks in views.masks.items()
    }


def accuracies(held_out: HeldOut, correct: Mapping[str, np.ndarray], rounds: int = 1000) -> dict[str, dict | None]:
    """Triplet accuracy in one space, of every condition and "overall", with 95 % intervals.

    "overall" is the mean over the conditions between tracks (the paper's four) that have a triplet; its interval comes
    from the mean of the same bootstrap rounds, its n is their sum.

    Args:
        held_out: the triplets.
        correct: condition -> bool [n], from `correct_by_condition`.
        rounds: of the bootstrap.

    Returns:
        {condition | "overall": {"value", "low", "high", "n"}, or None where `correct` has nothing}.
    """
    resampled = {
        name: bootstrap(answers, held_out.owners(name), held_out.tracks, held_out.seed, rounds)
        for name, answers in correct.items()
    }
    shares = {name: score(answers, resampled[name]) for name, answers in correct.items()}
    between = [name for name in shares if not held_out.on_windows(name)]
    overall = _overall([shares[name] for name in between], [resampled[name] for name in between])
    table = {name: shares.get(name) for name in held_out.conditions.names}
    return {name: _as_dict(share) for name, share in {**table, OVERALL: overall}.items()}


def accuracy_by_condition(
    embedded: Embedded, held_out: HeldOut, views: Views, rounds: int = 1000
) -> dict[str, dict[str, dict | None]]:
    """{space: `accuracies`} of one system; arguments as of `correct_by_condition`."""
    correct = correct_by_condition(embedded, held_out, views)
    return {space: accuracies(held_out, answers, rounds) for space, answers in correct.items()}


def retrieval_by_condition(
    embedded: Embedded, conditions: Conditions, views: Views
) -> dict[str, dict[str, dict | None]]:
    """Retrieval under the conditions that compare labels of tracks.

    Args:
        embedded: the system's vectors of the tracks.
        conditions: what is asked for.
        views: how the vectors are compared; a condition that a space lacks is not asked for there.

    Returns:
        {space: {condition: `dmml_tf.evaluation.retrieval.Retrieval` as a dictionary, or None where no track has a
        similar one}}.
    """

    def figures(condition: Condition, mask: np.ndarray | None) -> dict | None:
        result = retrieval(views.space(embedded.vectors, mask), embedded.labels, condition)
        return None if result is None else dataclasses.asdict(result)

    asked = [c for c in conditions if c.by_label]
    return {
        space: {c.name: figures(c, masks[c.name]) for c in asked if c.name in masks}
        for space, masks in views.masks.items()
    }


def tagging_by_condition(
    train: Embedded, test: Embedded, conditions: Conditions, vocabularies: Vocabularies, views: Views
) -> dict[str, dict[str, dict]]:
    """Tagging under every `tagged` condition.

    Args:
        train: gives the prototypes.
        test: is scored.
        conditions: what is asked for.
        vocabularies: column -> its tags (`Schema.vocabularies`).
        views: as in `retrieval_by_condition`.

    Returns:
        {space: {condition: {"macro": float or None, "auc": {tag: float}, "left_out": [tag], "tracks": int}}}.
    """

    def figures(condition: Condition, mask: np.ndarray | None) -> dict:
        tags, column = vocabularies[condition.column], condition.column
        first, second = (views.space(part.vectors, mask) for part in (train, test))
        result = tagging(first, train.labels[column], second, test.labels[column], len(tags))
        return {
            "macro": result.macro,
            "auc": {tags[tag]: value for tag, value in result.auc.items()},
            "left_out": [tags[tag] for tag in result.left_out],
            "tracks": result.tracks,
        }

    asked = tagged(conditions, vocabularies)
    return {
        space: {c.name: figures(c, masks[c.name]) for c in asked if c.name in masks}
        for space, masks in views.masks.items()
    }


def tagged(conditions: Conditions, vocabularies: Vocabularies) -> list[Condition]:
    """The conditions whose tags can be scored: of those that read tags, whose column has a vocabulary."""
    return [c for c in conditions if c.reads_tags and c.column in vocabularies]


def agreement_by_space(judged: EmbeddedClips, views: Views, seed: int = 0) -> dict[str, dict | None]:
    """{"whole" | sub-space: `Score` as a dictionary, or None without a judgement}; the paper gives "whole"."""
    if not len(judged.triplets):
        return {WHOLE: None}
    spaces = {WHOLE: None, **views.subspaces}
    scores = {name: agreement_with_people(judged, views.space(judged.vectors, m), seed) for name, m in spaces.items()}
    return {name: _as_dict(share) for name, share in scores.items()}


def _as_dict(share: Score | None) -> dict | None:
    return None if share is None else dataclasses.asdict(share)


def _overall(shares: Sequence[Score], resampled: Sequence[np.ndarray]) -> Score | None:
    if not shares:
        return None
    value = float(np.mean([share.value for share in shares]))
    # A round that lacks one condition is NaN as a whole: a mean of fewer is another quantity.
    return Score(value, *interval(np.mean(resampled, axis=0)), sum(share.n for share in shares))
