"""The table of segments beside a manifest: parts of its tracks that have labels of their own, read row by row."""

import dataclasses
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.columns import Columns, WrongCell, finite_number, tags_of, value_of
from tfrecords_tools.tables.opened import OpenedTable
from tfrecords_tools.tables.rows import SEGMENTS, Reject, Segment

NEEDED = ("track_id", "start", "end")


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentRow:
    """One accepted row: a segment and the track that it is a part of."""

    track_id: str
    segment: Segment


class SegmentTable:
    """An opened table of segments: its header is checked, its rows are read anew at each iteration.

    Attributes:
        path: the table's file; of a table at an address, a copy that is removed with this object.
        source: the path or address that was given.
        tags, values: names of the tag and the value dimensions that segments label, in the header's order.
        rejects: columns that were left out (line 1).
    """

    def __init__(self, table: OpenedTable, header: Sequence[str], types: Mapping[str, str]):
        self.path, self.source, self._table = table.path, table.source, table
        self._columns = Columns(self.source, header, NEEDED, types)
        self._columns.require(NEEDED, header)
        self.tags, self.values = self._columns.tags, self._columns.values
        self.rejects = [dataclasses.replace(reject, table=SEGMENTS) for reject in self._columns.rejects]
        if not self.tags and not self.values:
            raise UserError(
                f"{self.source}: has no column of labels; give it one a dimension, such as genre or tempo, beside "
                f"{', '.join(NEEDED)}"
            )

    def __iter__(self) -> Iterator[SegmentRow | Reject]:
        """Yields each row of the table, in order; ids are not compared, nor segments with one another.

        Raises:
            UserError: if the text is not UTF-8 or cannot be read to its end.
        """
        return itertools.starmap(self._row, self._table.rows())

    def _row(self, line: int, cells: Sequence[str] | str) -> SegmentRow | Reject:
        text = self._columns.text(line, cells)
        if isinstance(text, Reject):
            return dataclasses.replace(text, table=SEGMENTS)
        try:
            if not text["track_id"]:
                raise WrongCell("track_id", "is empty; name the track that the segment is a part of")
            start, end = _seconds("start", text["start"]), _seconds("end", text["end"])
            if start < 0:
                raise WrongCell("start", f"'{text['start']}' lies before the song; seconds are counted from its begin")
            if end <= start:
                raise WrongCell("end", f"'{text['end']}' is not after the start, '{text['start']}'; give its end")
            tags = {name: tags_of(text[name]) for name in self.tags}
            values = {name: value_of(name, text[name]) for name in self.values}
            if not any(tags.values()) and all(value is None for value in values.values()):
                raise WrongCell("", "labels nothing; fill in one of its cells, or leave the row out")
        except WrongCell as wrong:
            return Reject(line, text["track_id"], wrong.field, wrong.reason, SEGMENTS)
        return SegmentRow(text["track_id"], Segment(line, start, end, tags, values))


def read_segments(path: str | os.PathLike, types: Mapping[str, str] = {}) -> SegmentTable:
    """Opens a table of segments and checks its header.

    Columns: `track_id, start, end` in seconds from the track's begin, and one column a dimension as a manifest has it;
    an empty cell says nothing of that dimension.

    Args:
        path: in a format of `tfrecords_tools.tables.formats.table_lines`; or its address.
        types: `Manifest.types` of the tracks; a bare header of one of these dimensions is of its type there.

    Raises:
        UserError: if it is no table, is empty, is not UTF-8, lacks a needed column or any of a dimension, a dimension
            is both tag and value, or the store of an address cannot be asked.
    """
    table = OpenedTable(path)
    needed = f"{', '.join(NEEDED)} and those of labels"
    return SegmentTable(table, table.header(f"a header line with the columns {needed}, and one row a segment"), types)


def _seconds(name: str, cell: str) -> float:
    # As a record holds it, so that what is before and after another here is so there.
    return float(np.float32(finite_number(name, cell, "give seconds, such as 83.5 for 1:23.5")))
