"""Who completes a batch: tracks of the pool that give the new ones what they lack to be anchors.

Where few tracks carry a tag, or a tag is rare, tracks that come together by chance seldom make a triplet. So the places
beside the new tracks are given to those that help most, and a condition that would have no triplet at all gets one.
"""

import collections
from collections.abc import Sequence

import numpy as np

from dmml_tf.conditions import Condition, Labels


def find_partners(
    conditions: Sequence[Condition], labels: Labels, new: Sequence[int], rng: np.random.Generator
) -> list[int]:
    """As many tracks of the pool as there are new ones.

    Where every track of the pool is labelled for every condition, each new track gets a similar one under conditions in
    turn: chance gives most of them the rest, and the batch is the more varied for it.

    Where labels are missing, a condition for which none of the new tracks can be an anchor gets an anchor, a positive
    and a negative of the pool. Then each new track in turn gets one that is similar to it, or dissimilar, under as many
    conditions as possible for which the batch has none yet; then those that still lack one get another. Places left
    over go to more of the same: a similar track under conditions in turn.

    Args:
        conditions: any; `same_track`, which needs no similar track, and `judged`, which brings its clips, are left out.
        labels: columns of the pool's tracks.
        new: slots of the batch's new tracks.
        rng: source of every choice.

    Returns:
        Slots, in no order. Costs len(new) x pool comparisons a condition, whatever the vocabularies.
    """
    turns = [condition for condition in conditions if condition.kind not in ("same_track", "judged")]
    if all(condition.labelled(labels).all() for condition in turns):
        return partners_by_turns(turns, labels, new, rng)
    return _Search(turns, labels, new, rng).run(len(new))


def partners_by_turns(
    turns: Sequence[Condition], labels: Labels, new: Sequence[int], rng: np.random.Generator
) -> list[int]:
    """For each of `new`, one slot of a similar track, under `turns` in turn; a random one where there is none."""
    size = len(labels["track"])
    chosen = rng.integers(size, size=len(new))
    offset = int(rng.integers(max(len(turns), 1)))
    for n, slot in enumerate(new):
        # The first condition from here on under which this track has a similar one.
        for step in range(len(turns)):
            condition = turns[(n + offset + step) % len(turns)]
            similar = np.flatnonzero(condition.similar(labels, np.full(size, slot), np.arange(size)))
            if len(similar):
                chosen[n] = rng.choice(similar)
                break
    return chosen.tolist()


_TRIES = 8  # labelled tracks of the pool that are looked at for one that can be an anchor


class _Search:
    """One batch's search.

    `_near[c]`, `_far[c]`: bool [subjects, pool], similar and dissimilar tracks of each subject, a track that is to be
    an anchor: at first the new ones. `_batch`: bool [pool], who is in it.
    """

    def __init__(self, turns: list[Condition], labels: Labels, new: Sequence[int], rng: np.random.Generator):
        self._turns, self._labels, self._rng = turns, labels, rng
        self._new, self._size = list(new), len(labels["track"])
        self._near, self._far = self._relations(self._new)
        self._batch = np.zeros(self._size, bool)
        self._batch[self._new] = True
        self._offset = int(rng.integers(len(turns)))

    def run(self, count: int) -> list[int]:
        """The slots of `count` partners."""
        chosen, queue = [], collections.deque(range(len(self._new)))
        for turn in range(len(self._turns)):
            slot = self._begin(turn)
            if slot is not None and len(chosen) < count:
                chosen.append(slot)
                queue.appendleft(self._near.shape[1] - 1)
        self._batch[chosen] = True
        while len(chosen) < count:
            slot = self._serve(queue)
            chosen.append(self._spare(len(chosen)) if slot is None else slot)
            self._batch[chosen[-1]] = True
        return chosen

    def _begin(self, turn: int) -> int | None:
        """An anchor for a condition under which no new track can be one; it becomes a subject.

        None where a new track can, or no track of the pool.
        """
        if (self._near[turn].any(axis=1) & self._far[turn].any(axis=1)).any():
            return None
        labelled = self._rng.permutation(np.flatnonzero(self._turns[turn].labelled(self._labels)))[:_TRIES].tolist()
        if not labelled:
            return None
        near, far = self._relations(labelled)
        able = np.flatnonzero(near[turn].any(axis=1) & far[turn].any(axis=1))
        if not len(able):
            return None
        mine = np.arange(len(self._turns))[:, None, None] == turn  # it is here for this condition alone
        self._near = np.concatenate([self._near, near[:, able[:1]] & mine], axis=1)
        self._far = np.concatenate([self._far, far[:, able[:1]] & mine], axis=1)
        return labelled[able[0]]

    def _serve(self, queue: collections.deque) -> int | None:
        """A track for the first subject that lacks one; those that lack none, or get no help, leave the queue."""
        while queue:
            subject = queue.popleft()
            near, far = self._near[:, subject], self._far[:, subject]
            no_near, no_far = (~found[:, self._batch].any(axis=1) for found in (near, far))
            helps = near[no_near].sum(axis=0) + far[no_far].sum(axis=0)
            if helps.max() > 0:
                # New tracks take turns; one that is here for a condition's sake is served at once.
                (queue.append if subject < len(self._new) else queue.appendleft)(subject)
                return self._one_of(helps == helps.max())
        return None

    def _spare(self, place: int) -> int:
        """A similar track of a new one, under the first condition from a moving one on that has any; else any track."""
        subject = place % len(self._new)
        for step in range(len(self._turns)):
            near = self._near[(place + self._offset + step) % len(self._turns), subject]
            if near.any():
                return self._one_of(near)
        return int(self._rng.integers(self._size))

    def _one_of(self, allowed: np.ndarray) -> int:
        return int(self._rng.choice(np.flatnonzero(allowed)))

    def _relations(self, slots: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """bool [C, subjects, pool] each."""
        i, j = np.repeat(slots, self._size), np.tile(np.arange(self._size), len(slots))
        shape = (len(slots), self._size)
        return (np.stack([turn.similar(self._labels, i, j).reshape(shape) for turn in self._turns]),
                np.stack([turn.dissimilar(self._labels, i, j).reshape(shape) for turn in self._turns]))
