"""Held-out triplets, drawn once, that every system is scored on.

Anchors are drawn uniformly, positives and negatives by a condition's own rule. No N x N array: partners are guessed
and checked in vectorised rounds, and the few anchors whose partners are too rare to be guessed are compared with
every item once.

Source: Lee et al., ICASSP 2020, section 4: condition triplets on whole songs, track triplets on 3 s excerpts.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from dmml_tf.conditions import Condition, Conditions, Labels, SameTrack
from dmml_tf.data.records import repeat_labels
from dmml_tf.embed.split import Embedded
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel

OVERALL = "overall"

# Guesses an anchor gets before it is compared with every item.
_ROUNDS = 64

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (i [P], j [P]) -> bool [P]


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The triplets that all systems are scored on.

    Attributes:
        conditions: the model's, and a `same_track` condition "track" if it had none of that kind.
        triplets: name -> int32 [n, 3] of tracks, or of windows for `same_track`; n = 0 where no valid
            triplet exists. With `item_track` they are of other items in place of tracks.
        window_track: int32 [M], the track of each window that `same_track` triplets index.
        tracks: number of tracks.
        seed: of the draw and of the bootstrap.
        item_track: int32 [I], the track of each item that triplets index; None: items are tracks.
    """

    conditions: Conditions
    triplets: Mapping[str, np.ndarray]
    window_track: np.ndarray
    tracks: int
    seed: int
    item_track: np.ndarray | None = None

    def owners(self, name: str) -> np.ndarray:
        """int [n, 3]: the tracks of a condition's triplets."""
        triplets = self.triplets[name]
        if self.on_windows(name):
            return self.window_track[triplets]
        return triplets if self.item_track is None else self.item_track[triplets]

    def items(self, embedded: Embedded, name: str) -> np.ndarray:
        """float [N or M, E]: the vectors of the tracks, or of the windows, that a condition's triplets index."""
        return embedded.windows if self.on_windows(name) else embedded.vectors

    def on_windows(self, name: str) -> bool:
        """Whether a condition's triplets index windows rather than tracks."""
        return self.conditions[self.conditions.index(name)].of_one_track


def hold_out(
    conditions: Conditions,
    labels: Labels,
    window_track: np.ndarray,
    window_start: np.ndarray,
    count: int,
    seed: int,
    features: LogMel = PAPER_CHAIN,
) -> HeldOut:
    """Draws every condition's triplets.

    Args:
        conditions: the model's.
        labels: label columns of the tracks.
        window_track, window_start: int32 [M] of the windows, as in `Embedded`. Two windows of one
            track overlap by at most half, or are no pair.
        count: triplets a condition.
        seed: same seed and data, same triplets; a condition's do not depend on the others.
        features: the signal chain, whose frames `window_start` counts.

    Raises:
        UserError: if the data lack a condition's column, or on a condition called "overall".
    """
    if OVERALL in conditions.names:
        raise UserError(f"a condition cannot be called '{OVERALL}', the name of the mean; rename it")
    conditions = _with_track(conditions)
    windows = repeat_labels(labels, window_track, window_start)
    triplets = {
        c.name: sample_triplets(c, windows if c.of_one_track else labels, count, seed, features.half_window)
        for c in conditions
    }
    return HeldOut(conditions, triplets, window_track, len(labels["track"]), seed)


def _with_track(conditions: Conditions) -> Conditions:
    if any(c.of_one_track for c in conditions) or "track" in conditions.names:
        return conditions
    return Conditions([*conditions, SameTrack("track", width=0)])


def sample_triplets(
    condition: Condition,
    labels: Labels,
    count: int,
    seed: int,
    overlap_frames: int = 0,
    negatives_within: bool = False,
) -> np.ndarray:
    """Draws triplets of item indices.

    Anchors are uniform over the labelled items that have at least one positive and one negative; a
    positive and a negative are uniform over the anchor's own. All are drawn with replacement.

    Args:
        condition: whose rule decides.
        labels: columns of N items: tracks, or windows (with `start`) for `same_track`.
        count: triplets wanted.
        seed: same seed, same triplets.
        overlap_frames: see `Condition.similar`.
        negatives_within: takes negatives of the anchor's own track alone, parts of which may be dissimilar where
            segments label them.

    Returns:
        int32 [n, 3] of (anchor, positive, negative); n = `count`, or 0 when no valid triplet exists.

    Raises:
        UserError: if the labels lack the condition's column.
    """
    rng = np.random.default_rng([seed, 0x7261696E])
    labelled = np.flatnonzero(condition.labelled(labels))
    near = _SameTrack(labels) if condition.of_one_track else _AnyOf(labelled)
    far = _SameTrack(labels) if negatives_within else _AnyOf(labelled)

    def similar(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return condition.similar(labels, i, j, overlap_frames)

    def dissimilar(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return condition.dissimilar(labels, i, j)

    anchors = labelled  # those not yet known to lack a partner
    triplets = np.zeros((0, 3), np.int32)
    while len(triplets) < count and len(anchors):
        drawn = rng.choice(anchors, count - len(triplets))
        threes = np.stack([drawn, _partners(similar, near, drawn, rng), _partners(dissimilar, far, drawn, rng)], 1)
        whole = (threes >= 0).all(axis=1)
        triplets = np.concatenate([triplets, threes[whole].astype(np.int32)])
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
