"""Tracks to embed, one at a time, from a table of audio files or from records."""

import collections
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import LOG_MEL, Signal
from tfrecords_tools.audio.extract import Extracted, Task, extract
from tfrecords_tools.build.pool import ordered_map
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.manifest import Manifest, Reject, Row

FIRST_COLUMNS = ("id", "title", "artist", "split")


@dataclasses.dataclass(frozen=True, slots=True)
class Sound:
    """One track: its metadata as text, and `log_mel`, float16 [frames, 128], or `audio`, int16 [samples]."""

    track: Mapping[str, str]
    sound: Mapping[str, np.ndarray]


class Source(Protocol):
    """Tracks in an order that is the same every time; a table's rejected rows take a place in it too."""

    columns: Sequence[str]

    def count(self) -> int:
        """Number of items."""

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound | Reject]:
        """Yields the items whose place is wanted (bool [count]), in order; nothing is decoded for the others."""


class FilesSource:
    """The rows of a manifest, decoded in worker processes (0: one a core), as the sound that `signal` names."""

    def __init__(self, manifest: Manifest, signal: Signal = LOG_MEL, workers: int = 0):
        self._manifest, self._signal, self._workers = manifest, signal, workers
        self.columns = _columns((*manifest.tags, *manifest.values))

    def count(self) -> int:
        """Rows of the table."""
        return sum(1 for _ in self._manifest)

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound | Reject]:
        """See `Source`."""
        waiting: collections.deque[Row | Reject] = collections.deque()

        def tasks() -> Iterator[Task]:
            for place, row in enumerate(self._manifest):
                if wanted[place]:
                    waiting.append(row)
                    if isinstance(row, Row):
                        yield Task(row.path, audio=self._signal.takes_samples)

        with contextlib.closing(ordered_map(extract, tasks(), self._workers)) as results:
            for result in results:
                while isinstance(waiting[0], Reject):
                    yield waiting.popleft()
                row = waiting.popleft()
                if isinstance(result, Extracted):
                    yield Sound(self._track(row), {self._signal.field: getattr(result, self._signal.field)})
                else:
                    yield Reject(row.line, row.track_id, "path", f"'{row.path}': {result.reason}")
        yield from waiting  # nothing but rejects is left

    def _track(self, row: Row) -> dict[str, str]:
        labels = {name: TAG_SEPARATOR.join(tags) for name, tags in row.tags.items()}
        labels |= {name: "" if value is None else f"{value:.6g}" for name, value in row.values.items()}
        return {**labels, "id": row.track_id, "title": row.title, "artist": row.artist, "split": row.split}


class RecordsSource:
    """The tracks of a dataset, split by split, as the sound that `signal` names.

    Raises:
        UserError: if the records do not hold it.
    """

    def __init__(self, dataset: Dataset, signal: Signal = LOG_MEL):
        signal.require(dataset)
        self._dataset, self._signal = dataset, signal
        self._splits = [split for split in dataset.splits if dataset.tracks(split)]
        self.columns = _columns((*dataset.schema.vocabularies, *dataset.schema.values))

    def count(self) -> int:
        """Tracks in all splits."""
        return sum(self._dataset.tracks(split) for split in self._splits)

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound]:
        """See `Source`."""
        place = 0
        for split in self._splits:
            for row in read_tracks(self._dataset, split, optional=self._signal.optional):
                if wanted[place]:
                    yield Sound(self._track(row, split), {self._signal.field: row[self._signal.field]})
                place += 1

    def _track(self, row: Mapping, split: str) -> dict[str, str]:
        schema = self._dataset.schema
        labels = {
            name: TAG_SEPARATOR.join(vocabulary[tag] for tag in row[f"tags/{name}"])
            for name, vocabulary in schema.vocabularies.items()
        }
        for name in schema.values:
            labels[name] = "" if np.isnan(row[f"values/{name}"]) else f"{row[f'values/{name}']:.6g}"
        return {**labels, "id": row["track_id"], "title": row["title"], "artist": row["artist"], "split": split}


def _columns(labels: Sequence[str]) -> tuple[str, ...]:
    # A dimension may be called as one of the first columns are (artist); the track's own then stands.
    return (*FIRST_COLUMNS, *(name for name in labels if name not in FIRST_COLUMNS))
