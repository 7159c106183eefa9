"""`track_segments.csv`, the table of segments beside the shards, read row by row."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.columns import tags_of
from tfrecords_tools.tables.rows import Segment
from tfrecords_tools.tables.segment_table import NEEDED, SegmentRow
from tfrecords_tools.tables.tracks import SEGMENTS_FILE, beside_shards, number_of


def segment_rows(folder: Path, schema: Schema) -> Iterator[SegmentRow]:
    """Yields the rows of a dataset's `track_segments.csv`, one in memory at a time; none where it has no segments.

    Raises:
        UserError: if the file is missing or not UTF-8, lacks a column, or a row cannot be read.
    """
    if schema.segmented:
        yield from beside_shards(folder / SEGMENTS_FILE, (*NEEDED, *schema.segmented), functools.partial(_row, schema))


def _row(schema: Schema, line: int, cells: list[str], places: Mapping[str, int]) -> SegmentRow:
    track_id, start, end = (cells[places[name]] for name in NEEDED)
    tags = {name: tags_of(cells[places[name]]) for name in schema.segmented_tags}
    numbers = {name: cells[places[name]] for name in schema.segmented_values}
    values = {name: number_of(name, cell) if cell else None for name, cell in numbers.items()}
    return SegmentRow(track_id, Segment(line, number_of("start", start), number_of("end", end), tags, values))
