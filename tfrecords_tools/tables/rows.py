"""What tables of labels hold, row by row: tracks, segments of tracks, and what is left out."""

import dataclasses
from collections.abc import Mapping

from tfrecords_tools.notes import Note

SEGMENTS = "segments"  # `Reject.table` of the table of segments


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A part of a track that has labels of its own.

    Attributes:
        line: its line in the table of segments, from 1 (the header's).
        start, end: seconds from the track's begin; numbers that float32 has.
        tags: segmented tag dimension -> its tags, sorted; where it is empty the track's own hold.
        values: segmented value dimension -> number, or None where the track's own holds.
    """

    line: int
    start: float
    end: float
    tags: Mapping[str, tuple[str, ...]]
    values: Mapping[str, float | None]


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
        segments: its parts that have labels of their own, sorted by start and end.
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
    segments: tuple[Segment, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """One row or column that is left out: its line, its track id as far as known, the field and why.

    Attributes:
        table: that it stands in: `SEGMENTS`, or empty for the manifest.
    """

    line: int
    track_id: str
    field: str
    reason: str
    table: str = ""

    @property
    def where(self) -> str:
        """Its line, and its table where that is not the manifest, for a message."""
        return f"{self.table} line {self.line}".lstrip()
