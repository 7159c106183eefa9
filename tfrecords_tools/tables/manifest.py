"""The user's table of audio files and labels: read row by row, each row accepted or rejected with a reason."""

import contextlib
import dataclasses
import errno
import itertools
import math
import os
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import UNPRINTABLE, normal, spellings
from tfrecords_tools.notes import Note, RowNote
from tfrecords_tools.stores.address import absolute, is_address, parent, require_no_secret, resolved
from tfrecords_tools.stores.listing import Listing
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.stores.store import require_bucket
from tfrecords_tools.tables.formats import TAG_SEPARATOR, Line, table_lines

NEEDED = ("track_id", "path", "artist")
OPTIONAL = ("title", "split")
# A bare header of one of these names holds numbers; any other bare header holds tags.
_BARE_VALUES = ("tempo",)
BEATS = ("tempo", "bpm")  # dimensions of beats a minute
_BELIEVABLE_BEATS = (20.0, 400.0)
# What pandas calls an index that has no name, where it writes one.
_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+(_level_\d+)?")
# Names that records, labels and tracks.csv use for something else.
_TAKEN = (*NEEDED, *OPTIONAL, "track", "start", "duration")
_LARGEST_FLOAT32 = 3.4e38


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One accepted row.

    Attributes:
        track_id: unique in the table.
        path: its audio file; a relative path was resolved against the audio root.
        artist, title: may be empty.
        split: one of `dataset.SPLITS`, or empty.
        tags: tag dimension -> its tags, sorted; an empty tuple is unlabelled.
        values: value dimension -> number, or None where unlabelled.
        line: its line in the manifest, from 1 (the header's).
        notes: what was odd in it, and is taken all the same.
    """

    track_id: str
    path: str
    artist: str
    title: str
    split: str
    tags: Mapping[str, tuple[str, ...]]
    values: Mapping[str, float | None]
    line: int
    notes: tuple[Note, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """One row or column that is left out: its line, its track id as far as known, the field and why."""

    line: int
    track_id: str
    field: str
    reason: str


class Manifest:
    """An opened manifest: its header is checked, its rows are read anew at each iteration.

    Attributes:
        path: the table's file; of a table at an address, a copy that is removed with this object.
        source: the path or address that was given.
        audio_root: absolute folder, or address, that relative paths are resolved against.
        tags, values: names of the tag and the value dimensions, in the header's order.
        rejects: columns that were left out (line 1).
        notes: what was odd in the header.
        audio_is_checked: whether each row's file is looked at.
    """

    def __init__(
        self,
        table: "_Table",
        header: Sequence[str],
        audio_root: str | os.PathLike | None = None,
        check_audio: bool = True,
    ):
        self.path, self.source, self._table = table.path, table.source, table
        # Joined once: a million rows cannot wait for pathlib.
        self.audio_root = absolute(table.folder if audio_root is None else audio_root)
        self._root_is_far, self._listing = is_address(self.audio_root), Listing()
        self.rejects: list[Reject] = []
        self.notes: list[RowNote] = []
        self.audio_is_checked = check_audio
        self._inside_only = audio_root is not None
        self._width = len(header)
        self._columns: dict[str, int] = {}
        column_types: dict[str, str] = {}
        for place, cell in enumerate(header):
            self._add_column(place, normal(cell), column_types)
        missing = [name for name in NEEDED if name not in self._columns]
        if missing:
            raise UserError(
                f"{self.source}: needs the column(s) {', '.join(missing)} (cells of artist may be empty); its "
                f"first line has: {', '.join(header)[:200] or 'nothing'}; is it comma-separated?"
            )
        self.tags = tuple(name for name, column_type in column_types.items() if column_type == "tag")
        self.values = tuple(name for name, column_type in column_types.items() if column_type == "value")
        self._beats = [name for name in self.values if name in BEATS]

    def __iter__(self) -> Iterator[Row | Reject]:
        """Yields each row of the table, in order, as a `Row` or a `Reject`; ids are not compared.

        Raises:
            UserError: if the text is not UTF-8 or cannot be read to its end.
        """
        # The first item is the header, which the constructor has seen.
        for line, cells in itertools.islice(self._table.lines(), 1, None):
            # Spreadsheets export rows of empty cells below the last one.
            if isinstance(cells, str) or any(map(str.strip, cells)):
                yield self._row(line, cells)

    def _add_column(self, place: int, cell: str, column_types: dict[str, str]) -> None:
        name, colon, column_type = cell.partition(":")
        # By default pandas writes its index first, and gives it no name.
        if _INDEX.fullmatch(cell) or (place == 0 and not cell):
            called = f"column '{cell}'" if cell else "first column, which has no name,"
            self.notes.append(RowNote(1, "", "labels", f"the {called} is an index that pandas wrote", "left out"))
            return
        if cell in (*NEEDED, *OPTIONAL):
            if cell in self._columns:
                raise UserError(f"{self.source}: two columns are named '{cell}'; leave one of them out")
        else:
            column_type = column_type if colon else "value" if name in _BARE_VALUES else "tag"
            reason = _column_problem(name, column_type)
            if not reason and column_types.get(name, column_type) != column_type:
                raise UserError(f"{self.source}: column '{name}' is given both as tag and as value; rename one of them")
            if not reason and name in column_types:
                reason = "a second column of that name; this one is left out"
            if reason:
                self.rejects.append(Reject(1, "", cell, reason))
                return
            column_types[name] = column_type
        self._columns[name] = place

    def _row(self, line: int, cells: Sequence[str] | str) -> Row | Reject:
        if isinstance(cells, str):
            return Reject(line, "", "", cells)
        if len(cells) != self._width:
            known = normal(cells[self._columns["track_id"]]) if len(cells) > self._columns["track_id"] else ""
            return Reject(
                line, known, "", f"has {len(cells)} cells, the header {self._width}; quote cells that hold a comma"
            )
        text = {name: cells[place].strip() for name, place in self._columns.items()}
        try:
            joined = "".join(cells)
            if not (joined.isascii() and joined.isprintable()):
                _normalise(text)
            if not text["track_id"]:
                raise _Wrong("track_id", "is empty; give every track an id of its own")
            split = text.get("split", "")
            if split and split not in SPLITS:
                raise _Wrong("split", f"unknown split '{split}'; known are: {', '.join(SPLITS)}")
            # As it is: the name of a file may begin or end with a blank.
            path, notes = self._audio_path(cells[self._columns["path"]])
            tags = {name: _tags(text[name]) for name in self.tags}
            values = {name: _value(name, text[name]) for name in self.values}
            if self._beats:
                notes = (*notes, *_unbelievable(self._beats, values))
        except _Wrong as wrong:
            return Reject(line, text["track_id"], wrong.field, wrong.reason)
        return Row(text["track_id"], path, text["artist"], text.get("title", ""), split, tags, values, line, notes)

    def _audio_path(self, cell: str) -> tuple[str, tuple[Note, ...]]:
        if not cell.strip():
            raise _Wrong("path", "is empty")
        if UNPRINTABLE.search(cell):  # at its ends, a line break
            cell = cell.strip()
        path = self._resolved(cell)
        problem = self._problem(path) if self.audio_is_checked or cell != cell.strip() else None
        if not problem:
            return path, ()
        for spelling in spellings(cell)[1:]:
            if not self._problem(other := self._resolved(spelling)):
                what = "no file has this path to the letter"
                return other, (Note("names", what, f"taken is one that differs in {_difference(cell, spelling)}"),)
        if self.audio_is_checked:
            raise _Wrong("path", f"'{cell}': {problem}")
        return path, ()

    def stamp(self, path: str) -> str:
        """What tells an audio file from an earlier one at the same place: its size and time, or its tag in a store.

        Raises:
            OSError: if it is not there.
            UserError: if its store cannot be asked.
        """
        if is_address(path):
            entry = self._listing.entry(path)
            if entry is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return f"{path}:{entry.size}:{entry.tag}\n"
        status = os.stat(path)
        return f"{path}:{status.st_size}:{status.st_mtime_ns}\n"

    def _problem(self, path: str) -> str | None:
        return self._listing.problem(path) if is_address(path) else file_problem(path)

    def _resolved(self, cell: str) -> str:
        # A million rows come by here.
        absolute = os.path.isabs(cell)
        if not absolute and (self._root_is_far or is_address(cell)):
            path, absolute = self._address(cell), is_address(cell)
        else:
            path = os.path.normpath(os.path.join(self.audio_root, cell))
        if (self._inside_only or not absolute) and not path.startswith(self.audio_root.rstrip("/") + "/"):
            if path == self.audio_root:
                raise _Wrong("path", f"'{cell}': is a directory; name an audio file")
            raise _Wrong(
                "path", f"'{cell}': leaves the audio root {self.audio_root}; give --audio_root a folder that holds it"
            )
        return path

    def _address(self, cell: str) -> str:
        try:
            require_no_secret(cell if is_address(cell) else self.audio_root)
        except UserError as error:
            raise _Wrong("path", str(error)) from None
        return resolved(self.audio_root, cell)


def read_manifest(
    path: str | os.PathLike, audio_root: str | os.PathLike | None = None, check_audio: bool = True
) -> Manifest:
    """Opens a table and checks its header.

    >>> [row.track_id for row in dmml.read_table("songs.csv")][:2]
    ['t001', 't002']

    Columns: `track_id, path, artist`, optionally `title, split`, and one column a dimension: a bare header
    is a tag dimension (tags separated by `|`), bare `tempo` a value dimension; `name:tag` and `name:value`
    say it explicitly. Text is UTF-8, with or without a byte order mark.

    Args:
        path: CSV, TSV, JSON Lines or Parquet, see `tfrecords_tools.tables.formats.table_lines`; or its address.
        audio_root: folder, or address, that relative paths are resolved against and every path must lie in, by its
            name (symbolic links are not followed). None: relative paths lie in the table's folder,
            absolute ones anywhere.
        check_audio: looks at each row's file, without opening it.

    Raises:
        UserError: if it is no table, is empty, is not UTF-8, lacks a needed column, one column is both
            tag and value, `audio_root` is no folder, or the store of an address cannot be asked.
    """
    if is_address(audio_root):
        require_bucket(audio_root)
    elif audio_root is not None and check_audio and not os.path.isdir(audio_root):
        raise UserError(f"--audio_root {audio_root}: is no folder")
    table = _Table(path)
    for line, cells in table.lines():
        if isinstance(cells, str):
            raise UserError(f"{path}: line {line} {cells}; write a table with a header line")
        return Manifest(table, cells, audio_root, check_audio)
    raise UserError(f"{path}: is empty; write a header line with the columns {', '.join(NEEDED)} and one row a track")


class _Table:
    """The file of a table: the one that was given, or a copy, as long as this object lives, of what is at an address.

    Raises:
        UserError: if there is nothing at the address.
    """

    def __init__(self, source: str | os.PathLike):
        self.path = Path(source)
        self.source, self.folder = str(self.path), str(self.path.parent)
        if is_address(source):
            copy = contextlib.ExitStack()
            self.path = Path(copy.enter_context(local_copy(source)))
            self.source, self.folder = source, parent(source)
            weakref.finalize(self, copy.close)

    def lines(self) -> Iterator[Line]:
        """See `table_lines`; what is wrong is said of what was given."""
        try:
            yield from table_lines(self.path)
        except UserError as error:
            raise UserError(str(error).replace(str(self.path), self.source, 1)) from error


class _Wrong(Exception):
    """One cell that makes its row a reject."""

    def __init__(self, field: str, reason: str):
        super().__init__(field, reason)
        self.field, self.reason = field, reason


def _column_problem(name: str, column_type: str) -> str:
    if not name:
        return "a column without a name is left out"
    if column_type not in ("tag", "value"):
        return f"unknown column type '{column_type}'; known are name:tag and name:value"
    if name in _TAKEN:
        return f"'{name}' cannot name a dimension; rename the column"
    if not re.fullmatch(r"\w[\w-]*", name):
        return "a dimension's name is made of letters, digits, _ and -; rename the column"
    return ""


def _normalise(text: dict[str, str]) -> None:
    for name, cell in text.items():
        if UNPRINTABLE.search(cell):
            raise _Wrong(name, "holds a control character (tab, line break or NUL)")
        text[name] = normal(cell)


def _unbelievable(names: Sequence[str], values: Mapping[str, float | None]) -> Iterator[Note]:
    low, high = _BELIEVABLE_BEATS
    for name in names:
        number = values[name]
        if number is not None and not low <= number <= high:
            what = f"{name}: {number:g} beats a minute, where music has {low:g} to {high:g}"
            yield Note("labels", what, "taken as it is; leave the cell empty if it is unknown")


def _difference(cell: str, spelling: str) -> str:
    return "the blanks at its ends" if spelling == cell.strip() else "how its accents are encoded"


def _tags(cell: str) -> tuple[str, ...]:
    if TAG_SEPARATOR not in cell:
        return (cell,) if cell else ()
    return tuple(sorted({tag.strip() for tag in cell.split(TAG_SEPARATOR)} - {""}))


def _value(name: str, cell: str) -> float | None:
    if not cell:
        return None
    try:
        number = float("no number" if "_" in cell else cell)  # Python reads 1_0 as ten
    except ValueError:
        raise _Wrong(name, f"'{cell}' is no number (decimals take a point); leave unknown cells empty") from None
    if not math.isfinite(number) or abs(number) > _LARGEST_FLOAT32:
        raise _Wrong(name, f"'{cell}' is not a finite number; leave unknown cells empty")
    if name in _BARE_VALUES and number <= 0:
        raise _Wrong(name, f"'{cell}' beats per minute are none; leave unknown cells empty")
    return number
