"""Which tracks may be results: conditions on their metadata."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import as_known, normal
from tfrecords_tools.tables.formats import TAG_SEPARATOR, artists_of


@dataclasses.dataclass(frozen=True)
class Filter:
    """One demand on a column of the metadata.

    Attributes:
        column: `artist`, `title`, `split`, `id` or a label.
        text: what the cell, or one of its tags, must be, in any case; empty where a range is asked.
        low, high: the least and the greatest number allowed.
    """

    column: str
    text: str = ""
    low: float = -math.inf
    high: float = math.inf

    def allows(self, cell: str) -> bool:
        """Whether a track with that cell may be a result; an empty cell never may."""
        if self.text:
            wanted, cell = normal(self.text).casefold(), cell.casefold()
            return cell == wanted or wanted in cell.split(TAG_SEPARATOR)
        number = _number(cell)
        return number is not None and self.low <= number <= self.high


def parse_filter(text: str) -> Filter:
    """`"artist=Nina"`, `"genre=jazz"`, `"tempo=90..120"`, `"tempo=90.."` or `"tempo=..120"` -> `Filter`.

    Raises:
        UserError: if it has no `=` or is empty on a side of it, or a range is no range.
    """
    column, _, wanted = (piece.strip() for piece in text.partition("="))
    if not (column and wanted):
        raise UserError(f"--filter: '{text}' is not of the form COLUMN=TEXT or COLUMN=LOW..HIGH, as in tempo=90..120")
    low, dots, high = (piece.strip() for piece in wanted.partition(".."))
    least, most = _number(low) if low else -math.inf, _number(high) if high else math.inf
    # A name may hold two dots; it is a range only where nothing but numbers stands beside them.
    if not dots or least is None or most is None or not (low or high):
        return Filter(column, wanted)
    if least > most:
        raise UserError(f"--filter: '{text}': {low} is above {high}; give the lower bound first")
    return Filter(column, "", least, most)


def allowed_rows(tracks: Sequence[Mapping[str, str]], filters: Sequence[Filter]) -> Array:
    """bool [N]: which tracks pass every filter.

    Raises:
        UserError: on a column the tracks do not have; names those they have.
    """
    filters = [dataclasses.replace(demand, column=as_known(demand.column, tracks[0])) for demand in filters]
    for demand in filters:
        if demand.column not in tracks[0]:
            close = difflib.get_close_matches(demand.column, tracks[0], n=1)
            raise UserError(
                f"no column '{demand.column}' to filter by{f' (do you mean {close[0]}?)' if close else ''}; "
                f"this index has: {', '.join(tracks[0])}"
            )
    return np.array([all(demand.allows(track[demand.column]) for demand in filters) for track in tracks], bool)


def other_artists(tracks: Sequence[Mapping[str, str]], rows: Sequence[int]) -> Array:
    """bool [N]: the tracks by none of the artists of the tracks in `rows`; an unknown artist is nobody's."""
    theirs = {artist.casefold() for row in rows for artist in artists_of(tracks[row]["artist"])}
    return np.array(
        [theirs.isdisjoint(artist.casefold() for artist in artists_of(track["artist"])) for track in tracks], bool
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
