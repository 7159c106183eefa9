"""The segments of one track whose audio was heard: the fields of its record, lines of a table, and the rejects."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfrecords_tools.schema import Schema
from tfrecords_tools.segments import END, START, TAGS, VALUES
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.rows import SEGMENTS, Reject, Row, Segment

# Seconds that a segment may end after its track: people round, and decoders differ in what they drop at an MP3's ends.
TOLERANCE = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class HeardSegments:
    """What comes of the segments of one track.

    Attributes:
        fields: `Schema.segment_fields` of the record.
        cells: of each segment that is kept, its line of track_segments.csv, see `segments_header`.
        rejects: of those that lie outside of the track.
    """

    fields: Mapping[str, np.ndarray]
    cells: Sequence[tuple]
    rejects: Sequence[Reject]


def segments_header(schema: Schema) -> tuple[str, ...]:
    """Header of track_segments.csv: the cells of `HeardSegments.cells`."""
    return ("track_id", "start", "end", *schema.segmented_tags, *schema.segmented_values)


def heard_segments(row: Row, duration: float, schema: Schema, ids: Mapping[str, Mapping[str, int]]) -> HeardSegments:
    """Puts the segments of a track into its record: none ends after the track.

    Args:
        row: with its segments.
        duration: seconds of the track, as far as it is taken.
        schema: the dataset's.
        ids: tag dimension -> tag -> its id.
    """
    length = float(np.float32(duration))
    kept, rejects = [], []
    for segment in row.segments:
        if segment.end > length + TOLERANCE:
            rejects.append(_outside(row, segment, "end", segment.end, length))
        elif segment.start >= length:
            rejects.append(_outside(row, segment, "start", segment.start, length))
        else:
            kept.append(dataclasses.replace(segment, end=min(segment.end, length)))
    fields: dict[str, np.ndarray] = {
        START: np.array([segment.start for segment in kept], np.float32),
        END: np.array([segment.end for segment in kept], np.float32),
    }
    for name in schema.segmented_tags:
        rows = [(place, ids[name][tag]) for place, segment in enumerate(kept) for tag in segment.tags[name]]
        fields[TAGS + name] = np.array(sorted(rows), np.int64).reshape(-1, 2)
    for name in schema.segmented_values:
        fields[VALUES + name] = np.array([segment.values[name] for segment in kept], np.float32)  # None becomes NaN
    return HeardSegments(fields, [_cells(row, segment, schema) for segment in kept], rejects)


def _outside(row: Row, segment: Segment, field: str, seconds: float, length: float) -> Reject:
    reason = f"{seconds:g} s lies after the end of the track, {length:.3f} s; mend it, or give the file it was heard in"
    return Reject(segment.line, row.track_id, field, reason, SEGMENTS)


def _cells(row: Row, segment: Segment, schema: Schema) -> tuple:
    # The shortest texts that are read back as the same float32.
    times = (str(np.float32(seconds)) for seconds in (segment.start, segment.end))
    tags = (TAG_SEPARATOR.join(segment.tags[name]) for name in schema.segmented_tags)
    return (row.track_id, *times, *tags, *(segment.values[name] for name in schema.segmented_values))
