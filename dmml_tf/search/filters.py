"""Which tracks may be results: demands on their metadata."""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.track_table import ID, TrackTable
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal
from tfrecords_tools.tables.formats import TAG_SEPARATOR

# A track's id is its path in a library: filtered under this name it is compared with a pattern.
PATH = "path"


@dataclasses.dataclass(frozen=True)
class Filter:
    """One demand on a column of the metadata.

    Attributes:
        column: `artist`, `title`, `album`, `year`, `seconds`, `split`, `id` or a label; `path`, where the index has no
            column of that name, is the id.
        text: what the cell, or one of its tags, must be, in any case; empty where a range is asked. Of `path` a
            pattern, in which `*` stands for any text, `/` included, and `?` for one character.
        low, high: the least and the greatest number allowed.
        unless: turns the demand round: whatever it allows is left out, and nothing else.
    """

    column: str
    text: str = ""
    low: float = -math.inf
    high: float = math.inf
    unless: bool = False

    def test(self) -> Callable[[str], bool]:
        """Whether a track with a given cell may be a result; an empty cell is no text and in no range."""
        demand = self._pattern() if self.column == PATH else self._tag() if self.text else self._in_range
        return (lambda cell: not demand(cell)) if self.unless else demand

    def allows(self, cell: str) -> bool:
        """`test` of one cell."""
        return self.test()(cell)

    def _tag(self) -> Callable[[str], bool]:
        wanted = normal(self.text).casefold()

        def demand(cell: str) -> bool:
            cell = cell.casefold()
            return cell == wanted or wanted in cell.split(TAG_SEPARATOR)

        return demand

    def _pattern(self) -> Callable[[str], bool]:
        # Brackets are letters here, unlike in a shell: albums are called "[1997] OK Computer".
        known = {"*": ".*", "?": "."}
        pattern = "".join(known.get(letter) or re.escape(letter) for letter in normal(self.text))
        match = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
        return lambda cell: match(cell) is not None

    def _in_range(self, cell: str) -> bool:
        number = _number(cell)
        return number is not None and self.low <= number <= self.high


def parse_filter(text: str) -> Filter:
    """`"artist=Nina"`, `"genre!=jazz"`, `"path!=Live/*"`, `"tempo=90..120"`, `"year=1990.."` -> `Filter`.

    Raises:
        UserError: if it has no `=` or is empty on a side of it, or a range is no range.
    """
    column, _, wanted = (piece.strip() for piece in text.partition("="))
    unless = column.endswith("!")
    column = column.removesuffix("!").rstrip()
    if not (column and wanted):
        raise UserError(
            f"--filter: '{text}' is not of the form COLUMN=TEXT, COLUMN!=TEXT or COLUMN=LOW..HIGH, as in tempo=90..120"
        )
    low, dots, high = (piece.strip() for piece in wanted.partition(".."))
    least, most = _number(low) if low else -math.inf, _number(high) if high else math.inf
    # A name may hold two dots; it is a range only where nothing but numbers stands beside them.
    if column == PATH or not dots or least is None or most is None or not (low or high):
        return Filter(column, wanted, unless=unless)
    if least > most:
        raise UserError(f"--filter: '{text}': {low} is above {high}; give the lower bound first")
    return Filter(column, "", least, most, unless)


def allowed_rows(table: TrackTable, filters: Sequence[Filter]) -> Array:
    """bool [N]: which tracks pass every filter.

    Raises:
        UserError: on a column the tracks do not have; names those they have.
    """
    # Looked up first, so that a wrong name is told before a million cells are read.
    columns = [_column(table, demand.column) for demand in filters]
    allowed = np.ones(len(table), bool)
    for column, demand in zip(columns, filters):
        allowed &= table.where(column, demand.test())
    return allowed


def _column(table: TrackTable, column: str) -> str:
    return ID if column == PATH and PATH not in table.columns else table.require(column)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
