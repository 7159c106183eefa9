"""Header and cells of the tables that give labels: which column is which dimension, and what a cell says of it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from tfrecords_tools.errors import UserError
from tfrecords_tools.names import UNPRINTABLE, normal
from tfrecords_tools.notes import Note, RowNote
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.rows import Reject

TAG, VALUE = "tag", "value"
# A bare header of one of these names holds numbers; any other bare header holds tags.
_BARE_VALUES = ("tempo",)
BEATS = ("tempo", "bpm")  # dimensions of beats a minute
_BELIEVABLE_BEATS = (20.0, 400.0)
# What pandas calls an index that has no name, where it writes one.
_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+(_level_\d+)?")
# Names that records, labels and tracks.csv use for something else.
_TAKEN = ("track_id", "path", "artist", "title", "split", "track", "start", "duration")
_LARGEST_FLOAT32 = 3.4e38


class Columns:
    """The columns of one table, by its header.

    Args:
        source: the table, for messages.
        header: cells of the first line.
        fields: names of columns that are no dimension.
        types: dimensions that another table has, and of which type; a bare header takes it from there.

    Attributes:
        places: field or dimension -> its column's number.
        tags, values: names of the tag and the value dimensions, in the header's order.
        rejects: columns that are left out.
        notes: what was odd.

    Raises:
        UserError: if a field has two columns, or a dimension two types.
    """

    def __init__(self, source: str, header: Sequence[str], fields: Sequence[str], types: Mapping[str, str] = {}):
        self._source, self._fields, self._known, self._width = source, fields, types, len(header)
        self.places: dict[str, int] = {}
        self.rejects: list[Reject] = []
        self.notes: list[RowNote] = []
        self._types: dict[str, str] = {}
        for place, cell in enumerate(header):
            self._add(place, normal(cell))
        self.tags = tuple(name for name, column_type in self._types.items() if column_type == TAG)
        self.values = tuple(name for name, column_type in self._types.items() if column_type == VALUE)

    @property
    def types(self) -> dict[str, str]:
        """Dimension -> `TAG` or `VALUE`."""
        return dict(self._types)

    def require(self, needed: Sequence[str], header: Sequence[str], more: str = "") -> None:
        """Raises `UserError` if one of the needed columns is missing; `more` is said of them."""
        missing = [name for name in needed if name not in self.places]
        if missing:
            raise UserError(
                f"{self._source}: needs the column(s) {', '.join(missing)}{more}; its "
                f"first line has: {', '.join(header)[:200] or 'nothing'}; is it comma-separated?"
            )

    def text(self, line: int, cells: Sequence[str] | str) -> dict[str, str] | Reject:
        """The cells of one row by their columns' names, without blanks at their ends, or why they cannot be read."""
        if isinstance(cells, str):
            return Reject(line, "", "", cells)
        if len(cells) != self._width:
            known = normal(cells[self.places["track_id"]]) if len(cells) > self.places["track_id"] else ""
            return Reject(
                line, known, "", f"has {len(cells)} cells, the header {self._width}; quote cells that hold a comma"
            )
        text = {name: cells[place].strip() for name, place in self.places.items()}
        joined = "".join(cells)
        if not (joined.isascii() and joined.isprintable()):
            for name, cell in text.items():
                if UNPRINTABLE.search(cell):
                    reason = "holds a control character (tab, line break or NUL)"
                    return Reject(line, text["track_id"], name, reason)
                text[name] = normal(cell)
        return text

    def _add(self, place: int, cell: str) -> None:
        name, colon, column_type = cell.partition(":")
        # By default pandas writes its index first, and gives it no name.
        if _INDEX.fullmatch(cell) or (place == 0 and not cell):
            called = f"column '{cell}'" if cell else "first column, which has no name,"
            self.notes.append(RowNote(1, "", "labels", f"the {called} is an index that pandas wrote", "left out"))
            return
        if cell in self._fields:
            if cell in self.places:
                raise UserError(f"{self._source}: two columns are named '{cell}'; leave one of them out")
        else:
            known = self._known.get(name, VALUE if name in _BARE_VALUES else TAG)
            column_type = column_type if colon else known
            reason = _column_problem(name, column_type, self._fields)
            if not reason and self._types.get(name, self._known.get(name, column_type)) != column_type:
                raise UserError(
                    f"{self._source}: column '{name}' is given both as tag and as value; rename one of them"
                )
            if not reason and name in self._types:
                reason = "a second column of that name; this one is left out"
            if reason:
                self.rejects.append(Reject(1, "", cell, reason))
                return
            self._types[name] = column_type
        self.places[name] = place


class WrongCell(Exception):
    """One cell that makes its row a reject."""

    def __init__(self, field: str, reason: str):
        super().__init__(field, reason)
        self.field, self.reason = field, reason


def _column_problem(name: str, column_type: str, fields: Sequence[str]) -> str:
    if not name:
        return "a column without a name is left out"
    if column_type not in (TAG, VALUE):
        return f"unknown column type '{column_type}'; known are name:tag and name:value"
    if name in _TAKEN or name in fields:
        return f"'{name}' cannot name a dimension; rename the column"
    if not re.fullmatch(r"\w[\w-]*", name):
        return "a dimension's name is made of letters, digits, _ and -; rename the column"
    return ""


def unbelievable(names: Sequence[str], values: Mapping[str, float | None]) -> Iterator[Note]:
    """A note for each of the named values that no music has as its beats a minute."""
    low, high = _BELIEVABLE_BEATS
    for name in names:
        number = values[name]
        if number is not None and not low <= number <= high:
            what = f"{name}: {number:g} beats a minute, where music has {low:g} to {high:g}"
            yield Note("labels", what, "taken as it is; leave the cell empty if it is unknown")


def tags_of(cell: str) -> tuple[str, ...]:
    """The tags of a cell, sorted, each once; none of an empty one."""
    if TAG_SEPARATOR not in cell:
        return (cell,) if cell else ()
    return tuple(sorted({tag.strip() for tag in cell.split(TAG_SEPARATOR)} - {""}))


def value_of(name: str, cell: str) -> float | None:
    """The number of a cell, None of an empty one.

    Raises:
        WrongCell: if it is none that a record can hold.
    """
    if not cell:
        return None
    number = finite_number(name, cell, "leave unknown cells empty")
    if name in _BARE_VALUES and number <= 0:
        raise WrongCell(name, f"'{cell}' beats per minute are none; leave unknown cells empty")
    return number


def finite_number(name: str, cell: str, mend: str) -> float:
    """The number of a cell that must hold one.

    Raises:
        WrongCell: if it is none that float32 can hold; says the `mend`.
    """
    try:
        number = float("no number" if "_" in cell else cell)  # Python reads 1_0 as ten
    except ValueError:
        raise WrongCell(name, f"'{cell}' is no number (decimals take a point); {mend}") from None
    if not math.isfinite(number) or abs(number) > _LARGEST_FLOAT32:
        raise WrongCell(name, f"'{cell}' is not a finite number; {mend}")
    return number
