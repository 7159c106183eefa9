"""Tracks to embed, one at a time, from a table of audio files or from records."""

import array
import collections
import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.embed.metadata import record_text, track_columns, track_text
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract, patience, require_answer
from tfrecords_tools.build.pool import Died, ordered_map
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.notes import RowNote, of_row
from tfrecords_tools.tables.manifest import Manifest
from tfrecords_tools.tables.rows import Reject, Row


@dataclasses.dataclass(frozen=True, slots=True)
class Sound:
    """One track: its metadata as text, `log_mel`, float16 [frames, 128], or `audio`, int16 [samples], and its notes."""

    track: Mapping[str, str]
    sound: Mapping[str, np.ndarray]
    notes: Sequence[RowNote] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Unusable:
    """One row that gives no sound, and what else was odd in its file."""

    reject: Reject
    notes: Sequence[RowNote] = ()


class Source(Protocol):
    """Tracks in an order that is the same every time; a table's rejected rows take a place in it too."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the tracks' text."""

    @property
    def notes(self) -> Sequence[RowNote]:
        """What is odd in the table as a whole."""

    @property
    def excerpts(self) -> int:
        """Windows that are heard of each track, spread over it; 0 hears all of it."""

    def count(self) -> int:
        """Number of items."""

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound | Unusable]:
        """Yields the items whose place is wanted (bool [count]), in order; nothing is decoded for the others."""


class FilesSource:
    """The rows of a manifest, decoded in worker processes (0: one a core), as the sound that `signal` names.

    `excerpts`: see `tfrecords_tools.audio.extract.Task`.
    """

    def __init__(self, manifest: Manifest, signal: Signal = LOG_MEL, workers: int = 0, excerpts: int = 0):
        self._manifest, self._signal, self._workers, self.excerpts = manifest, signal, workers, excerpts
        self.columns: Sequence[str] = track_columns((*manifest.tags, *manifest.values))
        self.notes: Sequence[RowNote] = manifest.notes

    def count(self) -> int:
        """Rows of the table."""
        return len(self._twins)

    @functools.cached_property
    def _twins(self) -> np.ndarray:
        """int64 [rows]: line of the first row with the same id; 0 for a first row, and for a reject."""
        lines, ids = array.array("q"), array.array("Q")
        for row in self._manifest:
            lines.append(row.line)
            # 64 bits tell a million ids apart, at an eighth of their text's memory.
            known = row.track_id if isinstance(row, Row) else f"\0{row.line}"
            ids.append(int.from_bytes(hashlib.blake2b(known.encode(), digest_size=8).digest(), "little"))
        _, first, of_row = np.unique(np.array(ids, np.uint64), return_index=True, return_inverse=True)
        first_line = np.array(lines, np.int64)[first[of_row]]
        return np.where(first_line == np.array(lines, np.int64), 0, first_line)

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound | Unusable]:
        """See `Source`."""
        return decoded(
            self.rows(wanted),
            self._signal,
            lambda tasks: ordered_map(extract, tasks, self._workers, patience),
            self.excerpts,
        )

    def rows(self, wanted: Sequence[bool]) -> Iterator[Row | Reject]:
        """Yields the rows whose place is wanted, in order; one whose id another has had before is a reject."""
        for place, row in enumerate(self._manifest):
            if wanted[place]:
                twin = self._twins[place]
                yield Reject(row.line, row.track_id, "track_id", f"duplicate of line {twin}") if twin else row


def decoded(
    rows: Iterable[Row | Reject],
    signal: Signal,
    extracted: Callable[[Iterator[Task]], Generator[Any, None, None]],
    excerpts: int = 0,
    paths: Mapping[str, str] = {},
) -> Iterator[Sound | Unusable]:
    """Yields what each row of a table is: its sound, as `signal` has it, or why there is none.

    Args:
        rows: taken as they are needed.
        signal, excerpts: as for `FilesSource`.
        extracted: yields what `extract` makes of each task, in order.
        paths: what a row's path is for this process, where that is another.
    """
    waiting: collections.deque[Row | Reject] = collections.deque()

    def tasks() -> Iterator[Task]:
        for row in rows:
            waiting.append(row)
            if isinstance(row, Row):
                path = paths.get(row.path, row.path)
                yield Task(path, audio=signal.takes_samples, features=signal.features, excerpts=excerpts)

    with contextlib.closing(extracted(tasks())) as results:
        for result in results:
            while isinstance(row := waiting.popleft(), Reject):
                yield Unusable(row)
            yield _item(row, result, signal)
    for row in waiting:  # nothing but rejects is left
        if isinstance(row, Reject):
            yield Unusable(row)


def _item(row: Row, result: Extracted | Refused | Died, signal: Signal) -> Sound | Unusable:
    odd = row.notes if isinstance(result, Died) else (*row.notes, *result.notes)
    notes = tuple(of_row(row.line, row.track_id, odd))
    if isinstance(result, Refused):
        require_answer(row.path, result)
    if not isinstance(result, Extracted):
        return Unusable(Reject(row.line, row.track_id, "path", f"'{row.path}': {result.reason}"), notes)
    first = (row.track_id, row.title, row.artist, row.split)
    return Sound(track_text(first, row.tags, row.values), {signal.field: getattr(result, signal.field)}, notes)


class RecordsSource:
    """The tracks of a dataset, split by split, as the sound that `signal` names.

    Raises:
        UserError: if the records do not hold it.
    """

    def __init__(self, dataset: Dataset, signal: Signal = LOG_MEL):
        signal.require(dataset)
        self._dataset, self._signal = dataset, signal
        self._splits = [split for split in dataset.splits if dataset.tracks(split)]
        self.columns: Sequence[str] = track_columns((*dataset.schema.vocabularies, *dataset.schema.values))
        self.notes: Sequence[RowNote] = ()
        self.excerpts = 0

    def count(self) -> int:
        """Tracks in all splits."""
        return sum(self._dataset.tracks(split) for split in self._splits)

    def items(self, wanted: Sequence[bool]) -> Iterator[Sound]:
        """See `Source`."""
        from dmml_tf.data.records import read_tracks  # here, so that audio files do not wait for TensorFlow

        place, field = 0, self._signal.field
        for split in self._splits:
            for row in read_tracks(self._dataset, split, optional=self._signal.optional):
                if wanted[place]:
                    yield Sound(record_text(row, split, self._dataset.schema), {field: row[field]})
                place += 1
