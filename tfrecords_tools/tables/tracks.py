"""`tracks.csv`, the table beside the shards: read row by row, and as columns that a million tracks fit into."""

import array
import csv
import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.audio_paths import TRACKS_FILE as TRACKS_FILE
from tfrecords_tools.tables.formats import TAG_SEPARATOR

SEGMENTS_FILE = "track_segments.csv"  # beside it, where segments of tracks have labels of their own
_NEEDED = ("track_id", "title", "artist", "split", "duration")
_AGAIN = "build the dataset again"
_Row = TypeVar("_Row")


@dataclasses.dataclass(frozen=True, slots=True)
class TrackRow:
    """One row.

    Attributes:
        line: its line in the file, from 1 (the header's).
        track_id, title, artist, split: as written.
        duration: seconds.
        tags: tag dimension -> its tags' names, as written.
        values: value dimension -> number, NaN where the cell is empty.
    """

    line: int
    track_id: str
    title: str
    artist: str
    split: str
    duration: float
    tags: Mapping[str, tuple[str, ...]]
    values: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class TagColumn:
    """The tags of N tracks without padding: track i has `ids[starts[i]:starts[i + 1]]`.

    Attributes:
        ids: int32 [K] vocabulary ids.
        starts: int64 [N + 1].
    """

    ids: np.ndarray
    starts: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """int64 [N]: tags of each track."""
        return np.diff(self.starts)

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """int32 [n, M] of the chosen tracks (int [n]), padded with -1; M is at least 1."""
        counts = self.counts[rows]
        table = np.full((len(rows), max(1, counts.max(initial=0))), -1, np.int32)
        for place in range(table.shape[1]):
            filled = counts > place
            table[filled, place] = self.ids[self.starts[rows[filled]] + place]
        return table


@dataclasses.dataclass(frozen=True)
class Tracks:
    """All rows as columns.

    Attributes:
        splits: int8 [N], places in `dataset.SPLITS`.
        durations: float32 [N], seconds.
        tags: tag dimension -> its column.
        values: value dimension -> float32 [N], NaN where unlabelled.
    """

    splits: np.ndarray
    durations: np.ndarray
    tags: Mapping[str, TagColumn]
    values: Mapping[str, np.ndarray]


def track_rows(folder: Path, schema: Schema) -> Iterator[TrackRow]:
    """Yields the rows of a dataset's `tracks.csv`, one in memory at a time.

    Raises:
        UserError: if the file is missing or not UTF-8, lacks a column, or a row cannot be read.
    """
    needed = (*_NEEDED, *schema.vocabularies, *schema.values)
    yield from beside_shards(folder / TRACKS_FILE, needed, functools.partial(_row, schema))


def beside_shards(
    path: Path, needed: Sequence[str], row_of: Callable[[int, list[str], Mapping[str, int]], _Row]
) -> Iterator[_Row]:
    """Yields the rows of a table that a build has written, one in memory at a time.

    Args:
        path: the table's.
        needed: the columns that it must have.
        row_of: a row, of its line (from 1, the header's), its cells and each column's place among them; what cannot be
            read there is a `ValueError`.

    Raises:
        UserError: if the file is missing or not UTF-8, lacks a column, or a row cannot be read.
    """
    line = 1
    try:
        # Paths are bytes to the file system; one that is not UTF-8 is written and read as the bytes it is.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            missing = [name for name in needed if name not in header]
            if missing:
                raise UserError(f"{path}: has no column {', '.join(missing)}; {_AGAIN}")
            places = {name: place for place, name in enumerate(header)}
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) != len(header):
                    raise ValueError(f"has {len(cells)} cells, the header {len(header)}")
                yield row_of(line, cells, places)
                line = reader.line_num + 1
    except FileNotFoundError:
        raise UserError(f"{path}: not found; {_AGAIN}") from None
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: line {line}: {error}; {_AGAIN}") from error


def load_tracks(rows: Iterable[TrackRow], schema: Schema) -> Tracks:
    """Gathers rows into columns: a track takes some 5 bytes, 4 a value, and 8 and 4 a tag in each tag dimension.

    Raises:
        UserError: if a tag is not in its vocabulary; names the line.
    """
    known = {name: {tag: place for place, tag in enumerate(tags)} for name, tags in schema.vocabularies.items()}
    splits, durations = array.array("b"), array.array("f")
    ids = {name: array.array("i") for name in known}
    starts = {name: array.array("q", [0]) for name in known}
    values = {name: array.array("f") for name in schema.values}
    for row in rows:
        splits.append(SPLITS.index(row.split))
        durations.append(row.duration)
        for name, vocabulary in known.items():
            try:
                ids[name].extend([vocabulary[tag] for tag in row.tags[name]])
            except KeyError as error:
                raise UserError(
                    f"{TRACKS_FILE}: line {row.line}: {name} {error} is not in the vocabulary of dataset.json; {_AGAIN}"
                ) from None
            starts[name].append(len(ids[name]))
        for name, column in values.items():
            column.append(row.values[name])
    tags = {
        name: TagColumn(
            np.frombuffer(ids[name], np.int32) if ids[name] else np.zeros(0, np.int32),
            np.frombuffer(starts[name], np.int64),
        )
        for name in known
    }
    return Tracks(
        np.array(splits, np.int8),
        np.array(durations, np.float32),
        tags,
        {name: np.array(column, np.float32) for name, column in values.items()},
    )


def _row(schema: Schema, line: int, cells: list[str], places: Mapping[str, int]) -> TrackRow:
    track_id, title, artist, split, duration = (cells[places[name]] for name in _NEEDED)
    if split not in SPLITS:
        raise ValueError(f"unknown split '{split}'")
    return TrackRow(
        line,
        track_id,
        title,
        artist,
        split,
        number_of("duration", duration),
        {
            name: tuple(cell.split(TAG_SEPARATOR)) if (cell := cells[places[name]]) else ()
            for name in schema.vocabularies
        },
        {name: number_of(name, cell) if (cell := cells[places[name]]) else math.nan for name in schema.values},
    )


def number_of(name: str, cell: str) -> float:
    """The number of a cell.

    Raises:
        ValueError: if it holds no finite number.
    """
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} '{cell}' is not a finite number")
    return number
