"""Is one system better than another on the same triplets? A paired bootstrap over tracks.

Both are scored on the same resampled tracks, so that what makes a track hard for both cancels out. The
resampling is that of `dmml_tf.evaluation.accuracy.bootstrap`.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from dmml_tf.evaluation.accuracy import bootstrap, interval


@dataclasses.dataclass(frozen=True)
class Difference:
    """Accuracy of the first minus that of the second.

    Attributes:
        value: the difference on the triplets as they are, -1..1.
        low, high: ends of its 95 % percentile interval; -1 and 1 where no round drew a whole triplet.
        p: two-sided, in 0..1: twice the smaller of the shares of rounds that lie on either side of 0 (a
            round of exactly 0 counts on both), each with one added above and below, so that it is never 0.
        n: triplets, summed over the conditions.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


def paired_overall(
    conditions: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], total: int, seed: int = 0, rounds: int = 1000
) -> Difference | None:
    """Compares two systems on the mean over conditions, the table's "overall".

    Args:
        conditions: (first, second, tracks) of each; those without a triplet are left out, as in the table. `first`
            and `second` are bool [n], which triplets each system has right (see
            `dmml_tf.evaluation.accuracy.is_correct`), or float [n], the share of its seeds that have; `tracks` is int
            [n, 3], the tracks of each triplet, 0 .. total - 1 (`HeldOut.owners`).
        total, seed, rounds: as in `dmml_tf.evaluation.accuracy.bootstrap`; equal ones draw equal tracks for every
            condition and every pair of systems.

    Returns:
        `Difference`, or None when no condition has a triplet.
    """
    filled = [condition for condition in conditions if len(condition[0])]
    if not filled:
        return None
    value = float(np.mean([first.mean() - second.mean() for first, second, _ in filled]))
    resampled = np.mean([_rounds(*condition, total, seed, rounds) for condition in filled], axis=0)
    known = resampled[~np.isnan(resampled)]
    low, high = interval(known) if len(known) else (-1.0, 1.0)
    return Difference(value, low, high, _two_sided(known), sum(len(first) for first, _, _ in filled))


def _rounds(
    first: np.ndarray, second: np.ndarray, tracks: np.ndarray, total: int, seed: int, rounds: int
) -> np.ndarray:
    # A round's accuracy is a weighted mean, so the mean of the differences (-1, 0, 1) is the difference of the means.
    return bootstrap(first.astype(np.float64) - second, tracks, total, seed, rounds)


def _two_sided(rounds: np.ndarray) -> float:
    sides = [(1 + (rounds <= 0).sum()) / (1 + len(rounds)), (1 + (rounds >= 0).sum()) / (1 + len(rounds))]
    return float(min(1.0, 2.0 * min(sides)))
