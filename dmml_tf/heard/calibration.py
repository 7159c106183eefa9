"""From scores to shares that mean what they say, and how far they do.

Source: two numbers a condition, fitted by logistic regression on songs that the scores were not fitted on (Platt 1999);
expected calibration error and the reliability plot after Guo et al., ICML 2017.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

BINS = 10
_FOLDS = 5
_C = 100.0  # so weak that it changes no share, but keeps the slope finite where the scores divide all


def fit_shares(scores: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """(slope, offset) such that `1 / (1 + exp(-(slope * score + offset)))` is the probability of being true.

    Args:
        scores: float, of any shape.
        true: bool, of the same shape.
    """
    if true.all() or not true.any():
        share = (true.sum() + 1) / (true.size + 2)
        return 0.0, float(np.log(share / (1 - share)))
    fitted = LogisticRegression(C=_C).fit(scores.reshape(-1, 1), true.ravel())
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def cross_fitted(
    scores: np.ndarray, true: np.ndarray, artists: Sequence[str], known: np.ndarray | None = None
) -> np.ndarray:
    """float64 [N, V]: the share of each score by the slope and offset of songs of other artists.

    Args:
        scores: float [N, V].
        true: bool [N, V].
        artists: N names; of one artist alone, the songs are divided.
        known: bool [N, V], where it is known whether it is true; None knows all.
    """
    known = np.ones(true.shape, bool) if known is None else known
    names = {artist: place for place, artist in enumerate(dict.fromkeys(artists))}
    groups = [names[artist] for artist in artists] if len(names) > 1 else list(range(len(artists)))
    shares = np.zeros(scores.shape)
    for rest, held_out in GroupKFold(min(_FOLDS, len(set(groups)))).split(scores, groups=groups):
        slope, offset = fit_shares(scores[rest][known[rest]], true[rest][known[rest]])
        shares[held_out] = sigmoid(slope * scores[held_out] + offset)
    return shares


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """float64: scores as shares."""
    return 1.0 / (1.0 + np.exp(-np.asarray(scores, np.float64)))


def log_loss(shares: np.ndarray, true: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """float64 [N]: minus the mean logarithm of the probability that was given to what is so, of each song [N, V].

    The mean is over what is `known`, bool [N, V], of a song: all if None, something of each song.
    """
    right = np.where(true, shares, 1.0 - shares)
    loss: np.ndarray = np.average(-np.log(np.maximum(right, 1e-9)), axis=1, weights=known)
    return loss


def reliability(shares: np.ndarray, true: np.ndarray) -> list[dict[str, float]]:
    """What was said against what is so, in ten bins of the share; empty bins are left out.

    Returns:
        Of each bin: `n`, `said` (the mean share) and `true` (the share that is so).
    """
    said, so = shares.ravel(), true.ravel()
    bin_of = np.minimum((said * BINS).astype(int), BINS - 1)
    chosen = [bin_of == number for number in range(BINS)]
    return [
        {"n": int(rows.sum()), "said": float(said[rows].mean()), "true": float(so[rows].mean())}
        for rows in chosen
        if rows.any()
    ]


def calibration_error(bins: Sequence[dict[str, float]]) -> float:
    """Expected calibration error, 0..1: the mean distance of `said` and `true`, each bin weighed by its `n`."""
    total = sum(row["n"] for row in bins)
    return sum(row["n"] * abs(row["said"] - row["true"]) for row in bins) / total
