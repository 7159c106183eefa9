"""Who completes a batch: tracks of the pool that give the new ones what they lack to be anchors.

Where few tracks carry a tag, or a tag is rare, tracks that come together by chance seldom make a triplet. So the places
beside the new tracks are given to those that help most, and a condition that would have no triplet at all gets one.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmml_tf.conditions import Condition, Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.possible_labels import Compared, Possible


def find_partners(
    conditions: Sequence[Condition],
    labels: Labels,
    new: Sequence[int],
    rng: np.random.Generator,
    possible: Mapping[str, Possible] | None = None,
) -> list[int]:
    """As many tracks of the pool as there are new ones.

    Where every track of the pool is labelled for every condition, and under each most of the new tracks have a similar
    and a dissimilar one, each new track gets a similar one under conditions in turn: chance gives most of them the
    rest, and the batch is the more varied for it.

    Otherwise labels are missing, or tags so rare that few tracks share one (an artist's name, among a million tracks).
    Then a condition for which none of the new tracks can be an anchor gets an anchor, a positive and a negative of the
    pool, where it holds them. Each new track in turn gets one that is similar to it, or dissimilar, under as many
    conditions as possible for which the batch has none yet; then those that still lack one get another. Places left
    over go to more of the same: a track that is similar to a new one under conditions in turn or, for a new one that
    has none, a further anchor of the pool with what it lacks.

    Args:
        conditions: any; those that compare no labels of tracks need no partner and are left out.
        labels: columns of the pool's tracks.
        new: slots of the batch's new tracks.
        rng: source of every choice.
        possible: of the columns that change within songs, what windows of each track may be labelled. Two tracks are
            then similar, or dissimilar, if a label of one is to a label of the other, and may be both.

    Returns:
        Slots, in no order. Costs len(new) x pool comparisons a condition, whatever the vocabularies.
    """
    turns = [condition for condition in conditions if condition.by_label]
    if not turns:
        return list(map(int, rng.integers(len(labels["track"]), size=len(new))))
    search = _Search(turns, labels, new, rng, possible or {})
    if search.labelled.all() and search.able.mean(axis=1).min() > 0.5:
        return partners_by_turns(search.near, rng)
    return search.choose(len(new))


def partners_by_turns(near: Array, rng: np.random.Generator) -> list[int]:
    """For each new track one slot of a similar one, under conditions in turn; a random one where there is none.

    Args:
        near: bool [conditions, new, pool], which tracks of the pool are similar.
        rng: source of every choice.
    """
    turns, count, size = near.shape
    chosen: list[int] = rng.integers(size, size=count).tolist()
    offset = int(rng.integers(max(turns, 1)))
    for n in range(count):
        # The first condition from here on under which this track has a similar one.
        for step in range(turns):
            similar = np.flatnonzero(near[(n + offset + step) % turns, n])
            if len(similar):
                chosen[n] = _one_of(similar, rng)
                break
    return chosen


def _one_of(slots: Array, rng: np.random.Generator) -> int:
    return int(slots[rng.integers(len(slots))])  # as `rng.choice` draws, at a fifth of its cost


_CHUNK = 64  # tracks of the pool that are compared with all others at once, to find an anchor among them


class _Search:
    """One batch's search.

    `labelled`: bool [C, pool]. `near[c]`, `_far[c]`: bool [subjects, pool], similar and dissimilar tracks of each
    subject, a track that is to be an anchor: at first the new ones. `_batch`: bool [pool], who is in it.
    """

    def __init__(
        self,
        turns: list[Condition],
        labels: Labels,
        new: Sequence[int],
        rng: np.random.Generator,
        possible: Mapping[str, Possible],
    ):
        self._turns = [Compared(turn, labels, possible.get(turn.column)) for turn in turns]
        self._new, self._size, self._rng = list(new), len(labels["track"]), rng
        self.labelled = np.stack([turn.labelled() for turn in self._turns])
        self.near, self._far = self._relations(self._new, self._turns)
        self._batch = np.zeros(self._size, bool)
        self._batch[self._new] = True
        self.able = self.near.any(axis=2) & self._far.any(axis=2)  # [C, new]: who can be an anchor
        self._open = set(range(len(turns)))  # conditions for which the pool may hold a further anchor

    def choose(self, count: int) -> list[int]:
        """Chooses `count` partners; returns their slots."""
        self._offset = int(self._rng.integers(len(self._turns)))
        chosen, queue = [], collections.deque(range(len(self._new)))
        for turn in np.flatnonzero(~self.able.any(axis=1))[:count].tolist():
            slot = self._add_anchor(turn, queue)
            chosen += [] if slot is None else [slot]
        while len(chosen) < count:
            slot = self._next_partner(queue)
            chosen.append(self._fill_place(len(chosen), queue) if slot is None else slot)
            self._batch[chosen[-1]] = True
        return chosen

    def _add_anchor(self, turn: int, queue: collections.deque[Any]) -> int | None:
        """Adds a track from outside the batch that can be an anchor under one condition, and serves it next.

        Returns:
            Its slot; None where the pool holds no such track.
        """
        if turn not in self._open:
            return None
        order = self._rng.permutation(np.flatnonzero(self.labelled[turn] & ~self._batch))
        for start in range(0, len(order), _CHUNK):
            slots = order[start : start + _CHUNK]
            near, far = self._relations(slots, [self._turns[turn]])
            anchors = np.flatnonzero(near[0].any(axis=1) & far[0].any(axis=1))
            if len(anchors):
                # It is here for this condition alone.
                mine = np.arange(len(self._turns))[:, None, None] == turn
                self.near = np.concatenate([self.near, near[:, anchors[:1]] & mine], axis=1)
                self._far = np.concatenate([self._far, far[:, anchors[:1]] & mine], axis=1)
                queue.appendleft(self.near.shape[1] - 1)
                self._batch[slots[anchors[0]]] = True
                return int(slots[anchors[0]])
        self._open.discard(turn)
        return None

    def _next_partner(self, queue: collections.deque[Any]) -> int | None:
        """Chooses one for the first subject that lacks a track; who lacks none, or gets no help, leaves the queue."""
        while queue:
            subject = queue.popleft()
            near, far = self.near[:, subject], self._far[:, subject]
            no_near, no_far = (~related[:, self._batch].any(axis=1) for related in (near, far))
            helps = near[no_near].sum(axis=0) + far[no_far].sum(axis=0)
            if helps.max() > 0:
                # New tracks take turns; one that is here for a condition's sake is served at once.
                (queue.append if subject < len(self._new) else queue.appendleft)(subject)
                return _one_of(np.flatnonzero(helps == helps.max()), self._rng)
        return None

    def _fill_place(self, place: int, queue: collections.deque[Any]) -> int:
        """Fills a place left over: a track similar to a new one or another anchor, by conditions in turn, or any."""
        subject = place % len(self._new)
        turns = [(place + self._offset + step) % len(self._turns) for step in range(len(self._turns))]
        for turn in turns:
            if self.near[turn, subject].any():
                return _one_of(np.flatnonzero(self.near[turn, subject]), self._rng)
        anchors = (self._add_anchor(turn, queue) for turn in turns)
        return next((slot for slot in anchors if slot is not None), int(self._rng.integers(self._size)))

    def _relations(self, slots: Sequence[int] | Array, turns: Sequence[Compared]) -> tuple[Array, Array]:
        """Compares tracks with the whole pool: similar and dissimilar, bool [turns, slots, pool] each."""
        near, far = zip(*(turn.relations(np.asarray(slots)) for turn in turns))
        return np.stack(near), np.stack(far)
