"""Krippendorff's alpha: how far listeners agree beyond what their answers' frequencies alone would give.

Source: Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), nominal data, any number of listeners, who
need not have answered everything. Written out, since the package `krippendorff` is GPL and knows no weights; a test
compares.
"""

import numpy as np


def alpha(counts: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Alpha of answers without an order.

    Args:
        counts: float [T, K], how many listeners gave each of K answers to each of T triplets. Triplets with fewer than
            two answers say nothing about agreement.
        weights: float [..., T], how much each triplet counts; None counts each once.

    Returns:
        float [...]: 1 where all agree, 0 where they agree no more than by chance; NaN where no triplet has two answers,
        or all answers are the same one, so that there is nothing to agree about.
    """
    totals = counts.sum(axis=1)
    paired = totals > 1
    counts, totals = counts[paired].astype(np.float64), totals[paired]
    weights = np.ones(len(paired)) if weights is None else np.asarray(weights, np.float64)
    weights = weights[..., paired]
    # Alpha has n - 1 in it: weights of mean 1 leave n what it is, the number of answers.
    mean = weights.mean(axis=-1, keepdims=True) if len(counts) else np.zeros((*weights.shape[:-1], 1))
    weights = np.divide(weights, mean, out=np.zeros_like(weights), where=mean > 0)
    each = (counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])) / (
        totals[:, None, None] - 1
    )
    coincidences = np.tensordot(weights, each, axes=1)
    values = coincidences.sum(axis=-1)
    n = values.sum(axis=-1)
    disagree = n - np.trace(coincidences, axis1=-2, axis2=-1)
    by_chance = np.square(n) - np.square(values).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by_chance > 1e-9, 1 - (n - 1) * disagree / by_chance, np.nan)
