"""What songs can be filtered by: the columns of their metadata, and the values that occur in each."""

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Collection, Iterable

from dmml_tf.explore.words import plain
from tfrecords_tools.tables.formats import TAG_SEPARATOR

TEXT, NUMBERS = "text", "numbers"
# What nobody filters by: titles and ids are found by words.
_LEFT_OUT = {"id", "title", "split"}


@dataclasses.dataclass(frozen=True, eq=False)
class ValueColumn:
    """The values of one column.

    Attributes:
        name: of the column.
        counts: value, or tag -> songs that have it; the empty cell is left out.
    """

    name: str
    counts: Counter[str]

    @classmethod
    def of(cls, name: str, cells: Iterable[str]) -> "ValueColumn":
        """Counts the cells' values, each tag of a cell of several for itself."""
        counts: Counter[str] = Counter()
        for cell, songs in Counter(cells).items():
            for value in dict.fromkeys(cell.split(TAG_SEPARATOR)):
                counts[value] += songs
        del counts[""]
        return cls(name, counts)

    @functools.cached_property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the greatest number; None where a value is no number, or there is none."""
        numbers = [_number(value) for value in self.counts]
        known = [number for number in numbers if number is not None]
        return (min(known), max(known)) if known and len(known) == len(numbers) else None

    def most_frequent(self, text: str, count: int) -> list[tuple[str, int]]:
        """The `count` most frequent values that contain a text, in any case, and how many songs have each."""
        wanted = plain(text)
        found = [(value, songs) for value, songs in self.counts.items() if wanted in plain(value)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:count]


def filter_columns(names: Iterable[str]) -> list[str]:
    """Those columns that the page filters by."""
    return [name for name in names if name not in _LEFT_OUT]


def kind_of(column: ValueColumn, texts: Collection[str] = ("artist", "album")) -> str:
    """Whether a text or a range is asked of a column: an artist or album may be called by a number."""
    return TEXT if column.name in texts or column.bounds is None else NUMBERS


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
