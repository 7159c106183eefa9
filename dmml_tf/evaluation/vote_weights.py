"""Which weights of the sub-spaces agree best with people: fitted on one half of the triplets, scored on the other."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

_LEAST = 20  # triplets: of fewer, no half tells anything
_RIDGE = 1e-2  # keeps weights finite where one sub-space agrees always; of a triplet's part in the loss


def fit_weights(margins: np.ndarray, first: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights of C sub-spaces under which the chosen song is the closer one: logistic, none below 0.

    Source: logistic regression on the difference of two distances, as in Agarwal et al., AISTATS 2007.

    Args:
        margins: float [n, C], how much closer the first song is in each sub-space.
        first: bool [n], whether people chose the first song.
        weights: float [n], how much each triplet counts.

    Returns:
        float [C], at least 0, the largest 1, as `--weights` of the searches takes them; all 1 where none helps.
    """
    # Of like spread: the ridge shall not favour a sub-space for its scale.
    scale = np.maximum(np.sqrt(np.average(np.square(margins), axis=0, weights=weights)), 1e-12)
    signed = np.where(first, 1.0, -1.0)[:, None] * margins / scale
    share = weights / weights.sum()

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = signed @ w
        slope = -share / (1 + np.exp(np.clip(z, -50, 50)))
        return float(share @ np.logaddexp(0, -z) + _RIDGE * w @ w / 2), slope @ signed + _RIDGE * w

    count = margins.shape[1]
    fitted = minimize(loss, np.full(count, 1 / count), jac=True, bounds=[(0, None)] * count).x / scale
    return fitted / fitted.max() if fitted.max() > 0 else np.ones(count)


def halves(count: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Two seeded halves of `count` triplets, ascending numbers; None of too few."""
    if count < _LEAST:
        return None
    order = np.random.default_rng([seed, 0x68616C66]).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])


def as_sliders(names: Sequence[str], weights: np.ndarray) -> dict[str, float]:
    """Condition -> weight, to three digits."""
    return {name: round(float(weight), 3) for name, weight in zip(names, weights)}
