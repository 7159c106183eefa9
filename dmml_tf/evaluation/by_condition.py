"""Retrieval, tagging and people's judgements of one system, in its whole space and in its sub-spaces."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.human import JudgedClips, agreement_with_people
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.tagging import tagging
from dmml_tf.spaces import SUBSPACE, WHOLE, condition_masks, project


def retrieval_by_condition(
    embedded: Embedded, conditions: Conditions, norm_order: str = "mask_then_norm", learned: np.ndarray | None = None
) -> dict[str, dict[str, dict | None]]:
    """Retrieval under every condition but `same_track`.

    Args:
        embedded: the system's vectors of the tracks.
        conditions: the model's.
        norm_order: see `dmml_tf.spaces.project`.
        learned: masks that were learned, see `dmml_tf.spaces.condition_masks`.

    Returns:
        {"whole" | "subspace": {condition: `dmml_tf.evaluation.retrieval.Retrieval` as a dictionary, or None
        where no track has a similar one}}.
    """

    def found(space: np.ndarray, condition: Condition) -> dict | None:
        one = retrieval(space, embedded.labels, condition)
        return None if one is None else dataclasses.asdict(one)

    masks = condition_masks(conditions, learned, embedded.vectors.shape[1])
    asked = [c for c in conditions if c.kind in ("shared_tag", "within")]
    return {
        where: {c.name: found(_seen(embedded.vectors, masks.get(c.name), where, norm_order), c) for c in asked}
        for where in (WHOLE, SUBSPACE)
    }


def tagging_by_condition(
    train: Embedded,
    test: Embedded,
    conditions: Conditions,
    vocabularies: Mapping[str, tuple[str, ...]],
    norm_order: str = "mask_then_norm",
    learned: np.ndarray | None = None,
) -> dict[str, dict[str, dict]]:
    """Tagging under every `shared_tag` condition whose column has a vocabulary.

    Args:
        train: gives the prototypes.
        test: is scored.
        conditions: the model's.
        vocabularies: column -> its tags (`Schema.vocabularies`).
        norm_order: see `dmml_tf.spaces.project`.
        learned: as in `retrieval_by_condition`.

    Returns:
        {"whole" | "subspace": {condition: {"macro": float or None, "auc": {tag: float}, "left_out": [tag],
        "tracks": int}}}.
    """

    def found(condition: Condition, where: str) -> dict:
        tags = vocabularies[condition.column]
        one, other = (_seen(part.vectors, masks.get(condition.name), where, norm_order) for part in (train, test))
        one = tagging(one, train.labels[condition.column], other, test.labels[condition.column], len(tags))
        return {
            "macro": one.macro,
            "auc": {tags[tag]: value for tag, value in one.auc.items()},
            "left_out": [tags[tag] for tag in one.left_out],
            "tracks": one.tracks,
        }

    masks = condition_masks(conditions, learned, test.vectors.shape[1])
    asked = [c for c in conditions if c.kind == "shared_tag" and c.column in vocabularies]
    return {where: {c.name: found(c, where) for c in asked} for where in (WHOLE, SUBSPACE)}


def agreement_by_space(
    judged: JudgedClips,
    conditions: Conditions,
    norm_order: str = "mask_then_norm",
    seed: int = 0,
    learned: np.ndarray | None = None,
) -> dict[str, dict | None]:
    """{"whole" | sub-space: `Score` as a dictionary, or None without a judgement}; the paper gives "whole".

    `learned` as in `retrieval_by_condition`.
    """
    if not len(judged.triplets):
        return {WHOLE: None}
    size = judged.vectors.shape[1]
    masks = {WHOLE: np.ones(size, np.float32), **condition_masks(conditions, learned, size)}
    return {
        name: dataclasses.asdict(agreement_with_people(judged, project(judged.vectors, mask, norm_order), seed))
        for name, mask in masks.items()
    }


def _seen(vectors: np.ndarray, mask: np.ndarray | None, where: str, norm_order: str) -> np.ndarray:
    """A condition without a mask of its own sees the whole in both places."""
    whole = where == WHOLE or mask is None
    return project(vectors, np.ones(vectors.shape[1], np.float32) if whole else mask, norm_order)
