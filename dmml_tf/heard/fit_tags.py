"""Fits one linear score a tag."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from dmml_tf.conditions.labels import Array
from dmml_tf.conditions.tags import multi_hot
from dmml_tf.heard.calibration import calibration_error, cross_fitted, fit_shares, log_loss, reliability, sigmoid
from dmml_tf.heard.side import Side
from dmml_tf.heard.tag_scores import TagScores

_LEAST = 5  # songs of the train split that carry a tag
_LEAST_VALID = 2  # songs of the valid split: the share of each is by others
# Of numbers brought to a deviation of 1. From .001 to .3 the AUC on valid changes by at most .025.
_C = 0.03


def fit_tags(train: Side, valid: Side, vocabulary: Sequence[str]) -> tuple[TagScores | None, dict[str, Any]]:
    """Logistic regression, a tag at a time, on the songs that have any tag of the column.

    Returns:
        The scores, None where no tag has songs enough, and the figures of `fit_heard_as` with `tags` (how many),
        `left_out` (those with too few songs), `auc` and `map` (means over the tags of valid).
    """
    carries = multi_hot(train.labels, len(vocabulary))
    known, asked = (known_tags(side, train, carries) for side in (train, valid))
    counts, among = carries.sum(axis=0), known.sum(axis=0)
    chosen = np.flatnonzero((counts >= _LEAST) & (counts < among) & asked.any(axis=0))
    left_out = [tag for place, tag in enumerate(vocabulary) if place not in set(chosen.tolist())]
    if not len(chosen):
        return None, {"why": f"no tag of {_LEAST} songs in train", "left_out": left_out}
    raw = linear_scores(train.vectors, carries[:, chosen], [vocabulary[tag] for tag in chosen], known[:, chosen])
    rates = counts[chosen] / among[chosen]
    of_use = asked[:, chosen].any(axis=1)  # songs of a source whose tags are all left out say nothing
    if of_use.sum() < _LEAST_VALID:
        why = f"{of_use.sum()} songs in valid of a source with such tags; {_LEAST_VALID} are needed"
        return None, {"why": why, "left_out": left_out}
    asked, artists = asked[of_use][:, chosen], [artist for artist, use in zip(valid.artists, of_use) if use]
    true = multi_hot(valid.labels, len(vocabulary))[of_use][:, chosen]
    scores = raw.scores(valid.vectors[of_use]).astype(np.float64)
    same = np.tile(np.log(rates / (1 - rates)), (len(true), 1))
    shares = cross_fitted(scores, true, artists, asked)
    gains = log_loss(cross_fitted(same, true, artists, asked), true, asked) - log_loss(shares, true, asked)
    figures = {
        "tags": len(chosen),
        "left_out": left_out,
        **ranked(scores, true, asked),
        **judged(gains, sigmoid(scores)[asked], shares[asked], true[asked]),
    }
    return raw.calibrated(*fit_shares(scores[asked], true[asked])), figures


def known_tags(side: Side, train: Side, carries: Array) -> Array:
    """bool [N, V]: of which tags it is known whether a song of `side` carries them: those its sources use in train.

    Args:
        side: N songs.
        train: says what each source uses.
        carries: bool [S, V] of the songs of `train`.
    """
    if side.sources is None or train.sources is None:
        return np.ones((len(side.labels), carries.shape[1]), bool)
    sources = 1 + max(int(side.sources.max()), int(train.sources.max()))
    used = multi_hot(train.sources, sources).T.astype(np.int64) @ carries
    known: Array = (multi_hot(side.sources, sources) @ used > 0) | multi_hot(side.labels, carries.shape[1])
    return known


def judged(gains: Array, before: Array, after: Array, true: Array) -> dict[str, Any]:
    """`kept`, the gain and the calibration, as `fit_heard_as` says them; a gain counts above twice its error."""
    gain, error = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
    bins = {"before": reliability(before, true), "after": reliability(after, true)}
    errors = {f"error_{when}": calibration_error(rows) for when, rows in bins.items()}
    return {"kept": gain > 2 * error and gain > 0, "gain": gain, "gain_error": error, **errors, **bins}


def ranked(scores: Array, true: Array, known: Array) -> dict[str, float | None]:
    """Means over the tags that some of the songs carry and others are known not to; None where there is none."""
    told = [(scores[rows, tag], true[rows, tag]) for tag, rows in enumerate(known.T)]
    both = [(said, so) for said, so in told if so.any() and not so.all()]
    return {
        "auc": float(np.mean([roc_auc_score(so, said) for said, so in both])) if both else None,
        "map": float(np.mean([average_precision_score(so, said) for said, so in both])) if both else None,
    }


def linear_scores(vectors: Array, carries: Array, tags: Sequence[str], known: Array) -> TagScores:
    """Logistic regression, a tag at a time, with an L2 penalty.

    Fitted on centred numbers of deviation 1, so that one C suits a narrow cone and a full sphere; the scores are of the
    numbers as they are.

    Args:
        vectors: float [N, d].
        carries: bool [N, V], both of each tag.
        tags: V names.
        known: bool [N, V]; a tag's score is fitted on the songs of which it is known whether they carry it.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    deviation = max(float(np.sqrt(((vectors - mean) ** 2).mean())), 1e-6)
    numbers = (vectors - mean) / deviation
    fitted = [
        LogisticRegression(C=_C, max_iter=1000).fit(numbers[rows], column[rows])
        for column, rows in zip(carries.T, known.T)
    ]
    weights = np.stack([one.coef_[0] for one in fitted]) / deviation
    offsets = np.array([one.intercept_[0] for one in fitted]) - weights @ mean
    return TagScores(tuple(tags), weights.astype(np.float32), offsets.astype(np.float32))
