"""Fits one linear score a tag."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from dmml_tf.conditions.labels import Array
from dmml_tf.conditions.tags import multi_hot
from dmml_tf.evaluation.tagging import auc_by_tag
from dmml_tf.heard.calibration import calibration_error, cross_fitted, fit_shares, log_loss, reliability, sigmoid
from dmml_tf.heard.side import Side
from dmml_tf.heard.tag_scores import TagScores

_LEAST = 5  # songs of the train split that carry a tag
# Of numbers brought to a deviation of 1. From .001 to .3 the AUC on valid changes by at most .025.
_C = 0.03


def fit_tags(train: Side, valid: Side, vocabulary: Sequence[str]) -> tuple[TagScores | None, dict[str, Any]]:
    """Logistic regression, a tag at a time, on the songs that have any tag of the column.

    Returns:
        The scores, None where no tag has songs enough, and the figures of `fit_heard_as` with `tags` (how many),
        `left_out` (those with too few songs), `auc` and `map` (means over the tags of valid).
    """
    carries = multi_hot(train.labels, len(vocabulary))
    counts = carries.sum(axis=0)
    chosen = np.flatnonzero((counts >= _LEAST) & (counts < len(carries)))
    left_out = [tag for place, tag in enumerate(vocabulary) if place not in set(chosen.tolist())]
    if not len(chosen):
        return None, {"why": f"no tag of {_LEAST} songs in train", "left_out": left_out}
    raw = linear_scores(train.vectors, carries[:, chosen], [vocabulary[tag] for tag in chosen])
    true, scores = multi_hot(valid.labels, len(vocabulary))[:, chosen], raw.scores(valid.vectors).astype(np.float64)
    rates = counts[chosen] / len(carries)
    same = np.tile(np.log(rates / (1 - rates)), (len(true), 1))
    shares = cross_fitted(scores, true, valid.artists)
    gains = log_loss(cross_fitted(same, true, valid.artists), true) - log_loss(shares, true)
    figures = {
        "tags": len(chosen),
        "left_out": left_out,
        **ranked(scores, true),
        **judged(gains, sigmoid(scores), shares, true),
    }
    return raw.calibrated(*fit_shares(scores, true)), figures


def judged(gains: Array, before: Array, after: Array, true: Array) -> dict[str, Any]:
    """`kept`, the gain and the calibration, as `fit_heard_as` says them; a gain counts above twice its error."""
    gain, error = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
    bins = {"before": reliability(before, true), "after": reliability(after, true)}
    errors = {f"error_{when}": calibration_error(rows) for when, rows in bins.items()}
    return {"kept": gain > 2 * error and gain > 0, "gain": gain, "gain_error": error, **errors, **bins}


def ranked(scores: Array, true: Array) -> dict[str, float | None]:
    """Means over the tags that some of the songs carry and others do not; None where there is no such tag."""
    auc = auc_by_tag(scores, true)
    precision = [float(average_precision_score(true[:, tag], scores[:, tag])) for tag in auc]
    return {
        "auc": float(np.mean(list(auc.values()))) if auc else None,
        "map": float(np.mean(precision)) if auc else None,
    }


def linear_scores(vectors: Array, carries: Array, tags: Sequence[str]) -> TagScores:
    """Logistic regression, a tag at a time, with an L2 penalty.

    Fitted on centred numbers of deviation 1, so that one C suits a narrow cone and a full sphere; the scores are of the
    numbers as they are.

    Args:
        vectors: float [N, d].
        carries: bool [N, V], both of each tag.
        tags: V names.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    deviation = max(float(np.sqrt(((vectors - mean) ** 2).mean())), 1e-6)
    numbers = (vectors - mean) / deviation
    fitted = [LogisticRegression(C=_C, max_iter=1000).fit(numbers, column) for column in carries.T]
    weights = np.stack([one.coef_[0] for one in fitted]) / deviation
    offsets = np.array([one.intercept_[0] for one in fitted]) - weights @ mean
    return TagScores(tuple(tags), weights.astype(np.float32), offsets.astype(np.float32))
