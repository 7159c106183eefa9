"""Chooses the songs that tell a value, and calibrates what their agreement is worth."""

import dataclasses
from typing import Any

import numpy as np

from dmml_tf.conditions import ByLabel
from dmml_tf.conditions.labels import Array
from dmml_tf.heard.calibration import cross_fitted, fit_shares
from dmml_tf.heard.fit_tags import judged
from dmml_tf.heard.nearest_values import NEIGHBOURS, NearestValues
from dmml_tf.heard.side import Side

_LEAST = 2 * NEIGHBOURS  # songs: of fewer, the neighbours are most of them
_MOST = 2000  # songs that are kept: 256 kB of 64 numbers


def fit_values(condition: ByLabel, train: Side, valid: Side) -> tuple[NearestValues | None, dict[str, Any]]:
    """Keeps the train split's songs, evenly thinned if they are many.

    Returns:
        The songs, None where they are too few, and the figures of `fit_heard_as` with `hits`, the share of valid songs
        whose value is similar to what is said of them, and `hits_of_one_value`, that of the one value which most of
        the train songs are similar to.
    """
    if len(train.labels) < _LEAST:
        return None, {"why": f"{len(train.labels)} labelled songs in train; {_LEAST} are needed"}
    rows = np.unique(np.linspace(0, len(train.labels) - 1, min(_MOST, len(train.labels))).astype(int))
    part = NearestValues(condition, train.vectors[rows].astype(np.float16), train.labels[rows].astype(np.float32))
    values, agreeing = part.estimates(valid.vectors)
    hits = condition.alike(values, valid.labels)
    same = condition.alike(np.full(len(hits), most_alike(condition, part.values)), valid.labels)
    shares = cross_fitted(agreeing[:, None], hits[:, None], valid.artists)
    figures = {
        "hits": float(hits.mean()),
        "hits_of_one_value": float(same.mean()),
        **judged(hits.astype(float) - same, agreeing[:, None], shares, hits[:, None]),
    }
    slope, offset = fit_shares(agreeing, hits)
    return dataclasses.replace(part, slope=slope, offset=offset), figures


def most_alike(condition: ByLabel, values: Array) -> float:
    """The value that the most of the others are similar to; of equals the least."""
    candidates = np.unique(values)
    votes = [int(condition.alike(np.full(len(values), value), values).sum()) for value in candidates]
    return float(candidates[int(np.argmax(votes))])
