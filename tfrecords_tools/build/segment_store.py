"""The segments of a plan's tracks on disk: compared with one another and gathered by track, whatever their number."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from tfrecords_tools.build.plan_store import PlanStore
from tfrecords_tools.notes import of_row
from tfrecords_tools.segments import Agreement
from tfrecords_tools.tables.columns import BEATS, unbelievable
from tfrecords_tools.tables.rows import SEGMENTS, Reject, Row, Segment
from tfrecords_tools.tables.segment_table import SegmentRow

_CHUNK = 10_000
_TABLES = """
CREATE TABLE segment(line INTEGER PRIMARY KEY, track_id TEXT, start REAL, "end" REAL, labels TEXT);
CREATE TABLE gathered(place INTEGER PRIMARY KEY, segments TEXT);
"""
# Of each segment; those of no track come first, and each track's by time.
_IN_ORDER = """
SELECT placed.place, placed.line, segment.track_id, segment.line, start, "end", labels
FROM segment LEFT JOIN track USING(track_id) LEFT JOIN placed ON placed.line = track.line
ORDER BY placed.place, start, "end", segment.line
"""
_NO_TRACK = "no row of the manifest that can be used has this id; add one, or mend the id"
_Item = TypeVar("_Item")


class SegmentStore:
    """The segments of one table, first as they come (`fill`), then those of each placed track (`arrange`).

    Args:
        store: the tracks, placed.
        tags, values: the dimensions to keep of each segment.

    Attributes:
        count: segments that were kept.
        tracks: tracks that have some of them.
    """

    def __init__(self, store: PlanStore, tags: Sequence[str], values: Sequence[str]):
        self._store, self._tags, self._values = store, tuple(tags), tuple(values)
        self._beats = [name for name in self._values if name in BEATS]
        self.count = self.tracks = 0
        self._store.database.script(_TABLES)

    def fill(self, items: Iterable[SegmentRow | Reject]) -> None:
        """Takes in a table's rows.

        Raises:
            UserError: where the table does, or if the disk is full.
        """
        database = self._store.database
        with database.transaction():
            for chunk in _chunks(items):
                self._store.add_rejects(item for item in chunk if isinstance(item, Reject))
                rows = filter(None, (self._cells(item) for item in chunk if isinstance(item, SegmentRow)))
                database.execute_each("INSERT INTO segment VALUES (?, ?, ?, ?, ?)", rows)

    def arrange(self, longest: float, tag_counts: Mapping[str, Counter[str]]) -> None:
        """Gathers the segments of each track; rejects what contradicts an earlier one, and what has no track.

        Args:
            longest: seconds of a track that are taken at most; what lies beyond goes with them, and is no reject.
            tag_counts: tag dimension -> tag -> rows; the segments that are kept are counted there too.
        """
        database = self._store.database
        with database.transaction():
            database.execute("CREATE INDEX by_line ON placed(line)")
            groups = itertools.groupby(database.rows(_IN_ORDER), key=itemgetter(0))
            gathered = (cells for place, rows in groups for cells in self._gathered(place, rows, longest, tag_counts))
            for chunk in _chunks(gathered):
                database.execute_each("INSERT INTO gathered VALUES (?, ?)", chunk)
                self.tracks += len(chunk)
            database.execute("DROP TABLE segment")

    def with_segments(self, rows: Iterable[Row], first: int, count: int) -> Iterator[Row]:
        """The placed rows from place `first` (from 0) on, in order, each with its segments."""
        query = "SELECT place, segments FROM gathered WHERE place > ? AND place <= ? ORDER BY place"
        gathered = self._store.database.rows(query, first, first + count)
        upcoming = next(gathered, None)
        for place, row in enumerate(rows, first + 1):
            if upcoming is not None and upcoming[0] == place:
                row = dataclasses.replace(row, segments=tuple(map(self._segment, json.loads(upcoming[1]))))
                upcoming = next(gathered, None)
            yield row

    def _cells(self, row: SegmentRow) -> tuple | None:
        """None where it labels nothing but a dimension that is not kept."""
        segment = row.segment
        labels = [*(segment.tags[name] for name in self._tags), *(segment.values[name] for name in self._values)]
        if not any(map(_says, labels)):
            return None
        return segment.line, row.track_id, segment.start, segment.end, json.dumps(labels)

    def _segment(self, cells: Sequence[Any]) -> Segment:
        line, start, end, labels = cells
        tags = {name: tuple(label) for name, label in zip(self._tags, labels)}
        return Segment(line, start, end, tags, dict(zip(self._values, labels[len(self._tags) :])))

    def _gathered(
        self, place: int | None, rows: Iterator[tuple], longest: float, tag_counts: Mapping[str, Counter[str]]
    ) -> Iterator[tuple[int, str]]:
        """(place, JSON of its segments) of one track that keeps some; `rows` as `_IN_ORDER` gives them."""
        if place is None:
            for chunk in _chunks(rows):
                self._store.add_rejects(
                    Reject(line, track_id, "track_id", _NO_TRACK, SEGMENTS) for _, _, track_id, line, *_ in chunk
                )
            return
        kept = []
        for track_line, track_id, line, start, end, labels in self._agreeing(rows):
            if start < longest:
                kept.append((line, start, min(end, longest), labels))
                self._note(track_line, track_id, line, labels)
                for name, tags in zip(self._tags, labels):
                    tag_counts[name].update(tags)
        self.count += len(kept)
        if kept:
            yield place, json.dumps(kept)

    def _agreeing(self, rows: Iterator[tuple]) -> Iterator[tuple]:
        """Those of one track, sorted by start, that contradict none before; the others are rejected."""
        names, agreement = (*self._tags, *self._values), Agreement(len(self._tags) + len(self._values))
        for _, track_line, track_id, line, start, end, text in rows:
            labels = json.loads(text)
            said = [label if _says(label) else None for label in labels]
            contradicted = agreement.contradicted(start, said)
            if contradicted is not None:
                place, other = contradicted
                self._store.add_rejects(
                    [Reject(line, track_id, names[place], _contradicts(said[place], *other), SEGMENTS)]
                )
                continue
            agreement.add(end, said, line)
            yield track_line, track_id, line, start, end, labels

    def _note(self, track_line: int, track_id: str, line: int, labels: Sequence[Any]) -> None:
        """Notes beats a minute that no music has, under the track's line."""
        if self._beats:
            values = dict(zip(self._values, labels[len(self._tags) :]))
            for note in of_row(track_line, track_id, unbelievable(self._beats, values)):
                what = f"{SEGMENTS} line {line}: {note.what}"
                self._store.add_notes([dataclasses.replace(note, what=what)])


def _says(label: Any) -> bool:
    return label is not None and label != () and label != []


def _contradicts(label: Any, end: float, other: Any, line: int) -> str:
    said, there = ("|".join(map(str, tags)) if isinstance(tags, list) else f"{tags:g}" for tags in (label, other))
    return (
        f"'{said}' begins before {end:g} s, up to where line {line} says '{there}'; let one end where the other starts"
    )


def _chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Lists of some items each: as many as memory does not notice."""
    items = iter(items)
    while chunk := list(itertools.islice(items, _CHUNK)):
        yield chunk
