"""The user's table of audio files and labels: read row by row, each row accepted or rejected with a reason."""

import csv
import dataclasses
import math
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tfrecords_tools.audio import file_problem
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError

NEEDED = ("track_id", "path", "artist")
OPTIONAL = ("title", "split")
TAG_SEPARATOR = "|"
# A bare header of one of these names holds numbers; any other bare header holds tags.
_BARE_VALUES = ("tempo",)
# Names that records, labels and tracks.csv use for something else.
_TAKEN = (*NEEDED, *OPTIONAL, "track", "start", "duration")
_LARGEST_FLOAT32 = 3.4e38


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One accepted row.

    Attributes:
        track_id: unique in the table.
        path: of the audio file; a relative one was resolved against the manifest's folder.
        artist, title: may be empty.
        split: one of `dataset.SPLITS`, or empty.
        tags: tag dimension -> its tags, sorted; an empty tuple is unlabelled.
        values: value dimension -> number, or None where unlabelled.
        line: of the manifest, from 1 (the header's).
    """

    track_id: str
    path: str
    artist: str
    title: str
    split: str
    tags: Mapping[str, tuple[str, ...]]
    values: Mapping[str, float | None]
    line: int


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
        path: of the table.
        tags, values: names of the tag and the value dimensions, in the header's order.
        rejects: columns that were left out (line 1).
    """

    def __init__(self, path: Path, header: Sequence[str]):
        self.path = path
        self.rejects: list[Reject] = []
        self._width = len(header)
        self._columns: dict[str, int] = {}
        kinds: dict[str, str] = {}
        for place, cell in enumerate(header):
            self._add_column(place, cell.strip(), kinds)
        missing = [name for name in NEEDED if name not in self._columns]
        if missing:
            raise UserError(f"{path}: needs the column(s) {', '.join(missing)} (cells of artist may be empty); its "
                            f"first line has: {', '.join(header)[:200] or 'nothing'}; is it comma-separated?")
        self.tags = tuple(name for name, kind in kinds.items() if kind == "tag")
        self.values = tuple(name for name, kind in kinds.items() if kind == "value")

    def __iter__(self) -> Iterator[Row | Reject]:
        """Yields each row of the table, in order, as a `Row` or a `Reject`.

        Raises:
            UserError: if the text is not UTF-8 or cannot be read to its end.
        """
        first_lines: dict[str, int] = {}
        for line, cells in _lines(self.path):
            # Line 1 is the header, which the constructor has seen.
            if line > 1 and (isinstance(cells, str) or any(cell.strip() for cell in cells)):
                yield self._row(line, cells, first_lines)

    def _add_column(self, place: int, cell: str, kinds: dict[str, str]) -> None:
        name, colon, kind = cell.partition(":")
        if cell in (*NEEDED, *OPTIONAL):
            if cell in self._columns:
                raise UserError(f"{self.path}: two columns are named '{cell}'; leave one of them out")
        else:
            kind = kind if colon else "value" if name in _BARE_VALUES else "tag"
            reason = _column_problem(name, kind)
            if not reason and kinds.get(name, kind) != kind:
                raise UserError(f"{self.path}: column '{name}' is given both as tag and as value; rename one of them")
            if not reason and name in kinds:
                reason = "a second column of that name; this one is left out"
            if reason:
                self.rejects.append(Reject(1, "", cell, reason))
                return
            kinds[name] = kind
        self._columns[name] = place

    def _row(self, line: int, cells: Sequence[str] | str, first_lines: dict[str, int]) -> Row | Reject:
        if isinstance(cells, str):
            return Reject(line, "", "", cells)
        if len(cells) != self._width:
            known = cells[self._columns["track_id"]].strip() if len(cells) > self._columns["track_id"] else ""
            return Reject(line, known, "", f"has {len(cells)} cells, the header {self._width}; quote cells that "
                          "hold a comma")
        text = {name: unicodedata.normalize("NFC", cells[place].strip()) for name, place in self._columns.items()}
        # A path is bytes to the file system: normalising it could name another file.
        text["path"] = cells[self._columns["path"]].strip()
        track_id = text["track_id"]
        try:
            _check_text(text, first_lines)
            first_lines[track_id] = line
            path = _checked_path(self.path.parent, text["path"])
            tags = {name: _tags(text[name]) for name in self.tags}
            values = {name: _value(name, text[name]) for name in self.values}
        except _Wrong as wrong:
            return Reject(line, track_id, wrong.field, wrong.reason)
        return Row(track_id, path, text["artist"], text.get("title", ""), text.get("split", ""), tags, values, line)


def read_manifest(path: str | os.PathLike) -> Manifest:
    """Opens a CSV table and checks its header.

    Columns: `track_id, path, artist`, optionally `title, split`, and one column a dimension: a bare header
    is a tag dimension (tags separated by `|`), bare `tempo` a value dimension; `name:tag` and `name:value`
    say it explicitly. Text is UTF-8, with or without a byte order mark.

    Raises:
        UserError: if it is no table, is empty, is not UTF-8, lacks a needed column, or one column is both
            tag and value.
    """
    for line, cells in _lines(Path(path)):
        if isinstance(cells, str):
            raise UserError(f"{path}: line {line} {cells}; write a comma-separated table")
        return Manifest(Path(path), cells)
    raise UserError(f"{path}: is empty; write a header line with the columns {', '.join(NEEDED)} and one row a track")


class _Wrong(Exception):
    """One cell that makes its row a reject."""

    def __init__(self, field: str, reason: str):
        super().__init__(field, reason)
        self.field, self.reason = field, reason


def _lines(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """Yields (line where the record starts, its cells, or what makes it unreadable)."""
    try:
        # utf-8-sig: spreadsheets begin their exports with a byte order mark.
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    yield line, next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield line, f"is not readable as CSV ({error}); is a quote left open?"
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: near line {line}: not UTF-8 text ({error.reason}); save the table as UTF-8 "
                        "CSV") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read as a table ({reason}); give --manifest the path of a CSV "
                        "file") from error


def _column_problem(name: str, kind: str) -> str:
    if not name:
        return "a column without a name is left out"
    if kind not in ("tag", "value"):
        return f"unknown column type '{kind}'; known are name:tag and name:value"
    if name in _TAKEN:
        return f"'{name}' cannot name a dimension; rename the column"
    if not re.fullmatch(r"\w[\w-]*", name):
        return "a dimension's name is made of letters, digits, _ and -; rename the column"
    return ""


def _check_text(text: Mapping[str, str], first_lines: Mapping[str, int]) -> None:
    for name, cell in text.items():
        # A tab or a line break would tear apart the tables that are made from this one.
        if any(unicodedata.category(character) == "Cc" for character in cell):
            raise _Wrong(name, "holds a control character (tab, line break or NUL)")
    if not text["track_id"]:
        raise _Wrong("track_id", "is empty; give every track an id of its own")
    if text["track_id"] in first_lines:
        raise _Wrong("track_id", f"duplicate of line {first_lines[text['track_id']]}")
    if text.get("split", "") not in ("", *SPLITS):
        raise _Wrong("split", f"unknown split '{text['split']}'; known are: {', '.join(SPLITS)}")


def _checked_path(folder: Path, cell: str) -> str:
    if not cell:
        raise _Wrong("path", "is empty")
    path = os.path.abspath(folder / cell)
    problem = file_problem(path)
    if problem:
        raise _Wrong("path", f"'{cell}': {problem}")
    return path


def _tags(cell: str) -> tuple[str, ...]:
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
