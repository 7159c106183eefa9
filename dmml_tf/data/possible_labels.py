"""What windows of each track of a pool may be labelled, where a song's label changes: by this partners are chosen.

Which windows a batch cuts is drawn only after its tracks are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dmml_tf.conditions import Condition, Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.records import pad_ids
from dmml_tf.data.segment_labels import SHARE, Timeline
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import Schema

MOST = 6  # labels of one track that are compared, those that hold longest: comparisons grow with their square


class Possible(NamedTuple):
    """One column's labels of the tracks of a pool, each label once; a track has one or more.

    Attributes:
        slots: int [I], whose they are; sorted, and every slot is there.
        labels: int32 [I, M] or float32 [I], a column as of `Labels`.
    """

    slots: Array
    labels: Array


def possible_labels(
    schema: Schema, row: Mapping[str, Any], songs: Mapping[str, Timeline], first: int, frames: int, features: LogMel
) -> dict[str, Array]:
    """What windows of a stretch of a song may be labelled, by column: int32 [V, M] ids or float32 [V], longest first.

    Args:
        schema: whose `segmented` columns are meant.
        row: labels of the song itself.
        songs: its timelines by column.
        first, frames: the stretch.
        features: the signal chain, whose frames these are.

    Returns:
        Labels that hold long enough for a window, at most `MOST`; where none does, one that says nothing.
    """
    found: dict[str, Array] = {}
    begin, end, least = np.array([first, first + frames, SHARE * features.window_frames]) / features.frames_per_second
    for name in schema.segmented:
        tags = name in schema.vocabularies
        labels = [row[f"tags/{name}" if tags else f"values/{name}"]]
        if name in songs:
            held = [songs[name].labels[number] for number in songs[name].within(begin, end, least)]
            labels = held[:MOST] or [() if tags else np.nan]
        found[name] = pad_ids(labels) if tags else np.array(labels, np.float32)
    return found


class PossibleLabels:
    """Kept as tracks come and go, as `dmml_tf.data.pool_labels.PoolLabels` keeps their own labels.

    Args:
        segmented: the columns that change within songs.
        rows: of all slots, each with "possible", what `possible_labels` gives.
    """

    def __init__(self, segmented: Sequence[str], rows: Sequence[Mapping[str, Any]]):
        self._labels = {}
        self._counts = np.zeros((len(segmented), len(rows)), int)
        for name in segmented:
            like: Array = rows[0]["possible"][name]
            self._labels[name] = np.full((len(rows), *like.shape), _blank(like), like.dtype)
        for slot, row in enumerate(rows):
            self.replace(slot, row)

    def replace(self, slot: int, row: Mapping[str, Any]) -> None:
        """Another row is in a slot."""
        for counts, (name, held) in zip(self._counts, self._labels.items()):
            labels: Array = row["possible"][name]
            if any(size > room for size, room in zip(labels.shape, held.shape[1:])):
                wider = np.full((len(held), *np.maximum(labels.shape, held.shape[1:])), _blank(held), held.dtype)
                wider[tuple(map(slice, held.shape))] = held
                self._labels[name] = held = wider
            held[slot] = _blank(held)
            held[(slot, *map(slice, labels.shape))] = labels
            counts[slot] = len(labels)

    def columns(self) -> dict[str, Possible]:
        """By column."""
        columns = {}
        for counts, (name, held) in zip(self._counts, self._labels.items()):
            slots, places = np.nonzero(np.arange(held.shape[1]) < counts[:, None])
            columns[name] = Possible(slots, held[slots, places])
        return columns


def _blank(column: Array) -> float | int:
    return np.nan if np.issubdtype(column.dtype, np.floating) else -1


class Compared:
    """The tracks of a pool as one condition compares them: each by its one label, or by all that it may have.

    Args:
        condition: gives the rule.
        labels: columns of the N tracks.
        possible: what windows of them may be labelled in the condition's column; None where that does not change
            within songs.
    """

    def __init__(self, condition: Condition, labels: Labels, possible: Possible | None):
        self._condition, self._labels, self._of_one = condition, labels, possible is None
        if possible is not None:
            repeated = {name: column[possible.slots] for name, column in labels.items()}
            self._labels = {**repeated, condition.column: possible.labels}
            self._counts = np.bincount(possible.slots, minlength=len(labels["track"]))
            self._first = np.cumsum(self._counts) - self._counts

    def labelled(self) -> Array:
        """bool [N]: which tracks have a label, or may."""
        known = self._condition.labelled(self._labels)
        return known if self._of_one else _any(known, self._first, self._counts)

    def relations(self, slots: Array) -> tuple[Array, Array]:
        """Which tracks are similar to each of `slots`, int [n], and which dissimilar: bool [n, N] each."""
        if self._of_one:
            return self._compare(slots)
        counts = self._counts[slots]
        begins = np.cumsum(counts) - counts
        items = np.repeat(self._first[slots] - begins, counts) + np.arange(counts.sum())
        by_slot = (_any(related, begins, counts) for related in self._compare(items))
        near, far = (_any(related.T, self._first, self._counts).T for related in by_slot)
        return near, far

    def _compare(self, items: Array) -> tuple[Array, Array]:
        i, j = items[:, None], np.arange(len(self._labels["track"]))[None]
        return self._condition.similar(self._labels, i, j), self._condition.dissimilar(self._labels, i, j)


def _any(flags: Array, first: Array, counts: Array) -> Array:
    """bool [n, ...]: whether one of `counts` rows from each `first` on is True; twenty times as fast as `reduceat`."""
    found: Array = flags[first]
    for step in range(1, counts.max(initial=1)):
        found |= flags[first + np.minimum(step, counts - 1)]
    return found
