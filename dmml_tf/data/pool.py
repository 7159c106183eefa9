"""A bounded pool of tracks in memory: what a stream has brought last, and whom it can be paired with.

A batch of tracks drawn at random would rarely hold two that share a rare tag, or two tagged ones at
all where few tracks carry a tag. The pool fixes that without a pass over the data set: half of a
batch is new tracks in the stream's order, the other half are partners for them from the pool.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.data.parts import WHOLE_SPLIT, Part
from dmml_tf.data.pool_labels import PoolLabels
from dmml_tf.data.possible_labels import Possible, PossibleLabels, possible_labels
from dmml_tf.data.records import endless_tracks, read_tracks
from dmml_tf.data.segment_labels import timelines
from dmml_tf.data.signal import LOG_MEL, SOUND, Signal
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.schema import Schema


def cut_stretch(
    row: Mapping[str, Any], schema: Schema, max_frames: int, rng: np.random.Generator, signal: Signal
) -> dict[str, Any]:
    """A row with a random stretch of at most `max_frames` frames of its sound, as the pool holds it.

    The other form of the sound is dropped: nobody will read it, and the pool would hold it.

    Returns:
        The row, in which `first_frame` says where its sound begins. Where labels change within songs it has two fields
        more: `timelines`, see `dmml_tf.data.segment_labels.timelines`, and `possible`, see
        `dmml_tf.data.possible_labels.possible_labels`.
    """
    held = {name: value for name, value in row.items() if name not in SOUND or name == signal.field}
    row = {"first_frame": 0, **held}
    spare = signal.frames(row) - max_frames
    if spare > 0:
        # Remembered, since a song may be held twice, cut at two places that overlap.
        start = int(rng.integers(spare + 1))
        row.update({"first_frame": row["first_frame"] + start, signal.field: signal.stretch(row, start, max_frames)})
    if schema.segmented and (spare > 0 or "possible" not in row):
        songs = row.get("timelines") or timelines(schema, row)
        place = row["first_frame"], signal.frames(row), signal.features
        row.update({"timelines": songs, "possible": possible_labels(schema, row, songs, *place)})
    return row


def pool_stream(
    dataset: Dataset,
    split: str,
    max_frames: int,
    rng: np.random.Generator,
    signal: Signal,
    part: Part = WHOLE_SPLIT,
    once: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Endless rows of one part of a split, for a pool.

    Args:
        max_frames: of a track, of which no more is kept where rows are read once.
        once: reads every row once and keeps them all; else they are read pass after pass.
    """
    if once:
        stream = read_tracks(dataset, split, signal.optional, part)
        rows = [cut_stretch(row, dataset.schema, max_frames, rng, signal) for row in stream]
        while True:
            yield from (rows[n] for n in rng.permutation(len(rows)))
    yield from endless_tracks(dataset, split, int(rng.integers(2**31)), signal.optional, part)


class Pool:
    """The last `capacity` tracks of a stream.

    Args:
        stream: endless rows as `read_tracks` gives them.
        schema: names the label dimensions, and which of them change within songs.
        capacity: tracks held; with `max_frames` it bounds the memory, whatever the data set's size.
        max_frames: longer tracks are cut to a random stretch of this length.
        rng: source of every choice.
        signal: which form of the sound is held.

    Attributes:
        rows: what is held, see `cut_stretch`.
        segmented: columns that change within songs.
    """

    def __init__(
        self,
        stream: Iterator[Mapping[str, Any]],
        schema: Schema,
        capacity: int,
        max_frames: int,
        rng: np.random.Generator,
        signal: Signal = LOG_MEL,
    ):
        self._stream, self._max_frames, self._rng = stream, max_frames, rng
        self._schema, self._signal, self.segmented = schema, signal, schema.segmented
        self._next = 0  # the slot that is overwritten next: the oldest
        self.rows = [self._take() for _ in range(capacity)]
        self._labels = PoolLabels(schema, self.rows)
        self._possible = PossibleLabels(schema.segmented, self.rows)

    def _take(self) -> dict[str, Any]:
        return cut_stretch(next(self._stream), self._schema, self._max_frames, self._rng, self._signal)

    def admit(self, count: int) -> list[int]:
        """Overwrites the oldest `count` tracks by new ones; returns their slots, in the stream's order."""
        slots = [(self._next + n) % len(self.rows) for n in range(count)]
        for slot in slots:
            self.rows[slot] = self._take()
            self._labels.replace(slot, self.rows[slot])
            self._possible.replace(slot, self.rows[slot])
        self._next = (self._next + count) % len(self.rows)
        return slots

    def labels(self) -> dict[str, Array]:
        """Label columns of the pool's slots (`Labels`), numbered within the pool; they change with the next `admit`."""
        return self._labels.columns

    def possible(self) -> dict[str, Possible]:
        """What windows of each slot may be labelled, for the columns that change within songs; see `Possible`."""
        return self._possible.columns()
