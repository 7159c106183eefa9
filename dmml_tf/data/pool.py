"""A bounded pool of tracks in memory: what a stream has brought last, and whom it can be paired with.

A batch of tracks drawn at random would rarely hold two that share a rare tag, or two tagged ones at
all where few tracks carry a tag. The pool fixes that without a pass over the data set: half of a
batch is new tracks in the stream's order, the other half are partners for them from the pool.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.data.pool_labels import PoolLabels
from dmml_tf.data.signal import LOG_MEL, SOUND, Signal
from tfrecords_tools.schema import Schema


def cut_stretch(row: Mapping[str, Any], max_frames: int, rng: np.random.Generator, signal: Signal) -> dict[str, Any]:
    """A row with a random stretch of at most `max_frames` frames of its sound; `first_frame` says where it begins.

    The other form of the sound is dropped: nobody will read it, and the pool would hold it.
    """
    held = {name: value for name, value in row.items() if name not in SOUND or name == signal.field}
    row = {"first_frame": 0, **held}
    spare = signal.frames(row) - max_frames
    if spare > 0:
        # Remembered, since a song may be held twice, cut at two places that overlap.
        start = int(rng.integers(spare + 1))
        row.update({"first_frame": row["first_frame"] + start, signal.field: signal.stretch(row, start, max_frames)})
    return row


class Pool:
    """The last `capacity` tracks of a stream.

    Args:
        stream: endless rows as `read_tracks` gives them.
        schema: names the label dimensions.
        capacity: tracks held; with `max_frames` it bounds the memory, whatever the data set's size.
        max_frames: longer tracks are cut to a random stretch of this length.
        rng: source of every choice.
        signal: which form of the sound is held.

    Attributes:
        rows: what is held; `first_frame` tells at which of the track's frames its sound begins.
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
        self._signal = signal
        self._next = 0  # the slot that is overwritten next: the oldest
        self.rows = [self._take() for _ in range(capacity)]
        self._labels = PoolLabels(schema, self.rows)

    def _take(self) -> dict[str, Any]:
        return cut_stretch(next(self._stream), self._max_frames, self._rng, self._signal)

    def admit(self, count: int) -> list[int]:
        """Overwrites the oldest `count` tracks by new ones; returns their slots, in the stream's order."""
        slots = [(self._next + n) % len(self.rows) for n in range(count)]
        for slot in slots:
            self.rows[slot] = self._take()
            self._labels.replace(slot, self.rows[slot])
        self._next = (self._next + count) % len(self.rows)
        return slots

    def labels(self) -> dict[str, Array]:
        """Label columns of the pool's slots (`Labels`), numbered within the pool; they change with the next `admit`."""
        return self._labels.columns
