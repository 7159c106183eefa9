"""Fits what the sub-spaces can say: on the train split, calibrated and judged on the valid split."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from dmml_tf.conditions import ByLabel, Condition, Conditions, SharedTag
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import Embedded, embed_split
from dmml_tf.heard.fit_tags import fit_tags
from dmml_tf.heard.fit_values import fit_values
from dmml_tf.heard.heard_as import HeardAs
from dmml_tf.heard.nearest_values import NearestValues
from dmml_tf.heard.side import Side
from dmml_tf.heard.tag_scores import TagScores
from dmml_tf.models.packed import pack_weights
from dmml_tf.run import Run
from dmml_tf.spaces import unit
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

Vocabularies = Mapping[str, Sequence[str]]  # column -> its tags
_LEAST = 10  # labelled songs of the valid split: fewer cannot tell a share from a guess


def fit_run(run: Run, dataset: Dataset) -> tuple[HeardAs, dict[str, dict[str, Any]]]:
    """Embeds the train and the valid split and fits on them; see `fit_heard_as`.

    Raises:
        UserError: if masks were learned, a split is empty, or no sub-space has labels in the data.
    """
    run.require_slices()
    for split in ("train", "valid"):
        if not dataset.tracks(split):
            raise UserError(f"{dataset.folder}: no track in its {split} split; what is heard needs train and valid")
    _require_labels(run.conditions, dataset)
    embedder = Embedder.of_run(run)
    train, valid = (embed_split(embedder, dataset, split) for split in ("train", "valid"))
    heard_as, figures = fit_heard_as(train, valid, run.conditions, dataset.schema.vocabularies, run.weights_sha256())
    packed = hashlib.sha256(pack_weights(run.embedding())).hexdigest()
    return dataclasses.replace(heard_as, packed=packed), figures


def fit_heard_as(
    train: Embedded, valid: Embedded, conditions: Conditions, vocabularies: Vocabularies, model: str = ""
) -> tuple[HeardAs, dict[str, dict[str, Any]]]:
    """Fits each condition that owns a sub-space and compares labels which the data have.

    Args:
        train: what is fitted on.
        valid: what is calibrated and judged on.
        conditions: what the slices of the vectors stand for.
        vocabularies: column -> its tags.
        model: SHA-256 of the network's weights.

    Returns:
        What can be said, and condition -> figures: `kept`, `why` it is left out, `train` and `valid` (labelled songs),
        `gain` over saying the same of every song with its standard error `gain_error`, `error_before` and
        `error_after` (calibration, see `calibration_error`), `before` and `after` (see `reliability`), and those of
        `fit_tags` or `fit_values`. What is after is cross-fitted: no song's share is of its own artist's fit.
    """
    parts: dict[str, TagScores | NearestValues] = {}
    figures: dict[str, dict[str, Any]] = {}
    for name, owned in conditions.subspaces.items():
        condition = conditions[conditions.index(name)]
        if not isinstance(condition, ByLabel) or not _readable(condition, vocabularies, train.labels):
            continue
        first, second = _side(condition, owned, train), _side(condition, owned, valid)
        with threadpool_limits(1):  # sums in the same order each time
            part, figures[name] = _fit(condition, first, second, vocabularies)
        if part is not None and figures[name]["kept"]:
            parts[name] = part
    return HeardAs(model, conditions, parts), figures


def _fit(
    condition: ByLabel, train: Side, valid: Side, vocabularies: Vocabularies
) -> tuple[TagScores | NearestValues | None, dict[str, Any]]:
    counts = {"kept": False, "train": len(train.labels), "valid": len(valid.labels)}
    if len(valid.labels) < _LEAST:
        return None, {**counts, "why": f"{len(valid.labels)} labelled songs in valid; {_LEAST} are needed"}
    part: TagScores | NearestValues | None
    if condition.reads_tags:
        part, own = fit_tags(train, valid, vocabularies[condition.column])
    else:
        part, own = fit_values(condition, train, valid)
    if part is not None and not own["kept"]:
        own = {**own, "why": "no better on valid than to say the same of every song"}
    return part, {**counts, **own}


def _side(condition: ByLabel, owned: slice, split: Embedded) -> Side:
    rows = np.flatnonzero(condition.labelled(split.labels))
    among = condition.among if isinstance(condition, SharedTag) else ""
    return Side(
        unit(split.vectors[rows, owned].astype(np.float32)),
        split.labels[condition.column][rows],
        [split.artists[row] for row in rows],
        split.labels[among][rows] if among in split.labels else None,
    )


def _readable(condition: Condition, vocabularies: Vocabularies, values: Mapping) -> bool:
    return condition.column in (vocabularies if condition.reads_tags else values)


def _require_labels(conditions: Conditions, dataset: Dataset) -> None:
    tags, values = dataset.schema.vocabularies, dataset.schema.values
    if not any(c.by_label and c.name in conditions.subspaces and c.can_read(tags, values) for c in conditions):
        raise UserError(
            f"{dataset.folder}: no sub-space of the model has labels there: its conditions are "
            f"{', '.join(conditions.names)}, the data's columns {', '.join([*tags, *values]) or 'none'}"
        )
