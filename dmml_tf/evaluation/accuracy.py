"""Triplet accuracy, the paper's score, with an interval that respects that triplets share tracks.

Source: Lee et al., ICASSP 2020, section 4: the share of triplets with d(a, p) < d(a, n).
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

_CHUNK = 4096  # triplets whose vectors are gathered at a time
_PERCENTILES = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Score:
    """A share of `n` triplets, 0..1, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def triplet_accuracy(
    space: np.ndarray, triplets: np.ndarray, tracks: np.ndarray | None = None, seed: int = 0, rounds: int = 1000
) -> Score | None:
    """Scores one space on triplets.

    Args:
        space: float [N, D], vectors whose Euclidean distances are compared.
        triplets: int [n, 3] rows of `space`: anchor, positive, negative.
        tracks: int [N], which track a row belongs to; None where each row is one.
        seed, rounds: of the bootstrap.

    Returns:
        `Score`, or None when there is no triplet.
    """
    if not len(triplets):
        return None
    correct = is_correct(space, triplets)
    tracks = np.arange(len(space)) if tracks is None else tracks
    return score(correct, bootstrap(correct, tracks[triplets], int(tracks.max()) + 1, seed, rounds))


def is_correct(space: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    """bool [n]: d(a, p) < d(a, n), strictly, so a space in which all points coincide scores 0."""
    correct = np.empty(len(triplets), bool)
    used = space.any(axis=0)  # behind a mask most columns are zero in every row, and add nothing to a distance
    if not used.all():
        space = space[:, used]
    for begin in range(0, len(triplets), _CHUNK):
        anchor, positive, negative = (space[triplets[begin : begin + _CHUNK, k]].astype(np.float64) for k in range(3))
        # Squares keep the order of the distances, and equal rows give bit-equal sums.
        near = np.square(anchor - positive).sum(axis=1)
        far = np.square(anchor - negative).sum(axis=1)
        correct[begin : begin + _CHUNK] = near < far
    return correct


def bootstrap(correct: np.ndarray, tracks: np.ndarray, total: int, seed: int = 0, rounds: int = 1000) -> np.ndarray:
    """Accuracies of `rounds` resampled sets of tracks.

    Triplets that share a track are not independent, so tracks are resampled, not triplets: a triplet
    counts as often as the product of how often each of its tracks was drawn (a track that takes two
    places, as in a track triplet, counts once). Where each track is in a few triplets only, this is
    wider than need be (Owen 2007, "The pigeonhole bootstrap"): it errs to the safe side. One round needs memory
    for n + `total` numbers.

    Args:
        correct: bool [n].
        tracks: int [n, 3], the tracks of each triplet, 0 .. total - 1.
        total: number of tracks that are resampled. Equal `total`, `seed` and `rounds` draw equal
            tracks, so that the rounds of several conditions can be averaged.

    Returns:
        float64 [rounds]; NaN for a round that drew no whole triplet.
    """
    right = correct.astype(np.float64)
    accuracies = np.full(rounds, np.nan)
    for number, weights in enumerate(resampled_weights(tracks, total, seed, rounds)):
        if weights.any():
            accuracies[number] = weights @ right / weights.sum()
    return accuracies


def resampled_weights(tracks: np.ndarray, total: int, seed: int = 0, rounds: int = 1000) -> Iterator[np.ndarray]:
    """Yields how often each triplet counts, float64 [n], in each of `rounds` resampled sets of tracks.

    Arguments as of `bootstrap`.
    """
    rng = np.random.default_rng([seed, 0x626F6F74])
    anchor, positive, negative = (np.ascontiguousarray(tracks[:, k]) for k in range(3))
    repeated = np.flatnonzero(positive == anchor), np.flatnonzero((negative == anchor) | (negative == positive))
    for _ in range(rounds):
        counts = np.bincount(rng.integers(total, size=total), minlength=total).astype(np.float64)
        near, far = counts[positive], counts[negative]
        near[repeated[0]] = 1.0
        far[repeated[1]] = 1.0
        yield counts[anchor] * near * far


def score(correct: np.ndarray, rounds: np.ndarray) -> Score:
    """The share of bool [n >= 1] that is right, with the percentile interval of bootstrap `rounds`.

    Where no round drew a whole triplet (a handful of triplets on many tracks) nothing is known but
    that the share lies between 0 and 1.
    """
    return Score(float(correct.mean()), *interval(rounds), len(correct))


def interval(rounds: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrap values, NaN left out; (0, 1) when none is left."""
    known = rounds[~np.isnan(rounds)]
    if not len(known):
        return 0.0, 1.0
    low, high = np.percentile(known, _PERCENTILES)
    return float(low), float(high)
