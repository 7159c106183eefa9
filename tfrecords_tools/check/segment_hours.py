"""How much of a dataset segments label: tracks, segments and hours of each dimension, by split, tag and value."""

import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from tfrecords_tools.check.digests import Places, digest
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.rows import Segment
from tfrecords_tools.tables.segment_table import SegmentRow
from tfrecords_tools.tables.track_segments import segment_rows
from tfrecords_tools.tables.tracks import SEGMENTS_FILE, TrackRow

_HOUR = 3600.0


class TrackIds:
    """Passes rows of tracks.csv through, and keeps of each what tells its split again, 8 bytes."""

    def __init__(self) -> None:
        self._ids = array.array("Q")

    def seen(self, rows: Iterable[TrackRow]) -> Iterator[TrackRow]:
        """The same rows."""
        for row in rows:
            self._ids.append(digest(row.track_id))
            yield row

    def places(self) -> Places:
        """Finds the place of a track among those that have been seen."""
        return Places(self._ids)


def segment_hours(dataset: Dataset, places: Places, splits: np.ndarray) -> dict:
    """Reads `track_segments.csv` as a stream and adds up; where segments of one label overlap, time counts once.

    Args:
        dataset: which has segments.
        places: finds a track.
        splits: int [N], of each track its split's place in `dataset.SPLITS`.

    Returns:
        `segments` and `tracks` (split -> number, of tracks that have some), `hours` (dimension -> split -> hours that
        segments label), `tags` (tag dimension -> split -> tag -> hours), `values` (value dimension -> split -> float64
        [2, K], K numbers and the hours that each holds).

    Raises:
        UserError: if the table cannot be read, or names a track or a tag that is not there.
    """
    schema, has_some = dataset.schema, np.zeros(len(splits), bool)
    segments = dict.fromkeys(SPLITS, 0)
    hours = {name: dict.fromkeys(SPLITS, 0.0) for name in schema.segmented}
    tags = {
        name: {split: dict.fromkeys(schema.vocabularies[name], 0.0) for split in SPLITS}
        for name in schema.segmented_tags
    }
    values = {name: {split: array.array("d") for split in SPLITS} for name in schema.segmented_values}
    for rows in _by_track(dataset):
        place = _place(places, rows[0], dataset)
        split, has_some[place] = SPLITS[splits[place]], True
        segments[split] += len(rows)
        for name, label, seconds in _labelled(row.segment for row in rows):
            hours[name][split] += seconds / _HOUR
            if isinstance(label, tuple):
                for tag in label:
                    tags[name][split][_known(tag, name, rows[0], dataset)] += seconds / _HOUR
            else:
                values[name][split].extend((label, seconds / _HOUR))
    with_some = np.bincount(splits[has_some], minlength=len(SPLITS)).tolist()
    return {
        "segments": segments,
        "tracks": dict(zip(SPLITS, with_some)),
        "hours": hours,
        "tags": tags,
        "values": {name: {k: np.array(v).reshape(-1, 2).T for k, v in of.items()} for name, of in values.items()},
    }


def _by_track(dataset: Dataset) -> Iterator[list[SegmentRow]]:
    rows = segment_rows(dataset.folder, dataset.schema)
    return (list(of_track) for _, of_track in groupby(rows, key=lambda row: row.track_id))


def _place(places: Places, row: SegmentRow, dataset: Dataset) -> int:
    place = places.find(row.track_id)
    if place is None:
        raise _unknown(f"no track has the track_id '{row.track_id}'", row, dataset)
    return place


def _known(tag: str, name: str, row: SegmentRow, dataset: Dataset) -> str:
    if tag not in dataset.schema.vocabularies[name]:
        raise _unknown(f"{name} '{tag}' is not in the vocabulary of dataset.json", row, dataset)
    return tag


def _unknown(what: str, row: SegmentRow, dataset: Dataset) -> UserError:
    return UserError(f"{dataset.folder / SEGMENTS_FILE}: line {row.segment.line}: {what}; build the dataset again")


def _labelled(segments: Iterable[Segment]) -> Iterator[tuple[str, tuple[str, ...] | float, float]]:
    """(dimension, label, seconds) of each label of one track's segments, without what one before it covers already."""
    furthest: dict[str, float] = defaultdict(float)
    for segment in sorted(segments, key=lambda segment: segment.start):
        for name, label in (*segment.tags.items(), *segment.values.items()):
            if label is not None and label != ():
                yield name, label, max(0.0, segment.end - max(segment.start, furthest[name]))
                furthest[name] = max(furthest[name], segment.end)
