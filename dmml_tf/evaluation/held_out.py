"""Held-out triplets: anchors drawn uniformly, positives and negatives by a condition's own rule.

No N x N array: partners are guessed and checked in vectorised rounds, and the few anchors whose
partners are too rare to be guessed are compared with every item once.
"""

from collections.abc import Callable

import numpy as np

from dmml_tf.conditions import Condition, Labels

# Guesses an anchor gets before it is compared with every item.
_ROUNDS = 64

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (i [P], j [P]) -> bool [P]


def sample_triplets(condition: Condition, labels: Labels, count: int, seed: int, overlap_frames: int = 0) -> np.ndarray:
    """Draws triplets of item indices.

    Anchors are uniform over the labelled items that have at least one positive and one negative; a
    positive and a negative are uniform over the anchor's own. All are drawn with replacement.

    Args:
        condition: whose rule decides.
        labels: columns of N items: tracks, or windows (with `start`) for `same_track`.
        count: triplets wanted.
        seed: same seed, same triplets.
        overlap_frames: see `Condition.similar`.

    Returns:
        int32 [n, 3] of (anchor, positive, negative); n = `count`, or 0 when no valid triplet exists.

    Raises:
        UserError: if the labels lack the condition's column.
    """
    rng = np.random.default_rng([seed, 0x7261696E])
    labelled = np.flatnonzero(condition.labelled(labels))
    near = _SameTrack(labels) if condition.kind == "same_track" else _AnyOf(labelled)
    far = _AnyOf(labelled)

    def similar(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return condition.similar(labels, i, j, overlap_frames)

    def dissimilar(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return condition.dissimilar(labels, i, j)

    anchors = labelled  # those not yet known to lack a partner
    triplets = np.zeros((0, 3), np.int32)
    while len(triplets) < count and len(anchors):
        drawn = rng.choice(anchors, count - len(triplets))
        found = np.stack([drawn, _partners(similar, near, drawn, rng), _partners(dissimilar, far, drawn, rng)], 1)
        whole = (found >= 0).all(axis=1)
        triplets = np.concatenate([triplets, found[whole].astype(np.int32)])
        # A failed search was exhaustive, so the rest stays uniform over the anchors that can be used.
        anchors = np.setdiff1d(anchors, drawn[~whole])
    return triplets


class _AnyOf:
    """Candidates that are the same for every anchor."""

    def __init__(self, items: np.ndarray):
        self._items = items

    def guess(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(self._items, len(anchors))

    def every(self, anchor: int) -> np.ndarray:
        return self._items


class _SameTrack:
    """Windows of the anchor's own track: a guess among all windows would hardly ever hit one."""

    def __init__(self, labels: Labels):
        self._track = labels["track"]
        self._order = np.argsort(self._track, kind="stable")
        ordered = self._track[self._order]
        self._low = np.searchsorted(ordered, self._track, "left")
        self._high = np.searchsorted(ordered, self._track, "right")

    def guess(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self._order[rng.integers(self._low[anchors], self._high[anchors])]

    def every(self, anchor: int) -> np.ndarray:
        return self._order[self._low[anchor] : self._high[anchor]]


def _partners(rule: Rule, candidates, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 [P]: for each anchor one item that the rule allows, uniform over those; -1 where none exists."""
    partners = np.full(len(anchors), -1, np.int64)
    open_ = np.arange(len(anchors))
    for _ in range(_ROUNDS):
        if not len(open_):
            return partners
        guess = candidates.guess(anchors[open_], rng)
        fits = rule(anchors[open_], guess)
        partners[open_[fits]] = guess[fits]
        open_ = open_[~fits]
    for anchor in np.unique(anchors[open_]):
        every = candidates.every(anchor)
        allowed = every[rule(np.full(len(every), anchor), every)]
        if len(allowed):
            wanted = open_[anchors[open_] == anchor]
            partners[wanted] = rng.choice(allowed, len(wanted))
    return partners
