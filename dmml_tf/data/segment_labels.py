"""Labels of windows of songs whose labels change: a window has the label that covers three quarters of it.

Each stretch of a window counts for the label that holds there: that of the segment it lies in, and outside of segments
that label the dimension the song's own, or none. Stretches of equal label, an equal set of tags or an equal value, are
summed. A window that no label covers by three quarters, such as most that lie on a boundary, is unlabelled.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array, part_of
from dmml_tf.data.records import pad_ids, repeat_labels
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.schema import Schema
from tfrecords_tools.segments import END, START, TAGS, VALUES

SHARE = 0.75  # of a window, which its label covers at least
JOIN = -1  # the number of no label: none covers so much
_ROUNDING = 1e-3  # seconds that may be lacking, since records hold boundaries as float32; a frame is 23 of them


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
    """One song's labels in one dimension, in pieces that lie one behind another and reach over all time.

    Attributes:
        begins, ends: float64 [P] seconds; the first begins and the last ends at infinity.
        numbers: int64 [P], the place of each piece's label in `labels`.
        labels: L different ones, the song's own first: the ids of its tags, int [n], or its value.
    """

    begins: Array
    ends: Array
    numbers: Array
    labels: Sequence[Any]

    def within(self, begin: float, end: float, least: float) -> list[int]:
        """Numbers of the labels that hold for at least `least` of the seconds from `begin` to `end`, longest first."""
        held = np.maximum(np.minimum(self.ends, end) - np.maximum(self.begins, begin), 0)
        seconds = np.bincount(self.numbers, held, len(self.labels))
        order = np.argsort(-seconds, kind="stable")
        return [int(n) for n in order if seconds[n] >= least - _ROUNDING]


def timelines(schema: Schema, row: Mapping[str, Any]) -> dict[str, Timeline]:
    """The timelines of one song by dimension, without those in which it has one label throughout.

    Args:
        schema: whose `segmented` dimensions are looked at.
        row: as `read_tracks` gives it; its sound is not read.
    """
    places = list(zip(row[START].tolist(), row[END].tolist())) if schema.segmented else []
    read = {name: _timeline(schema, row, name, places) for name in schema.segmented if places}
    return {name: timeline for name, timeline in read.items() if len(timeline.labels) > 1}


def _timeline(schema: Schema, row: Mapping[str, Any], name: str, places: Sequence[tuple[float, float]]) -> Timeline:
    own = row[f"tags/{name}" if name in schema.vocabularies else f"values/{name}"]
    labels, known = [own], {_key(own): 0}
    pieces: list[tuple[float, float, int]] = []
    reached = -math.inf
    for segment, label in _said(schema, row, name):
        number = known.setdefault(_key(label), len(labels))
        if number == len(labels):
            labels.append(label)
        begin, end = places[segment]
        if begin > reached:
            pieces.append((reached, begin, 0))
            reached = begin
        if end > reached:  # overlapping segments have equal labels: what lies behind the first one's end is new
            pieces.append((reached, end, number))
            reached = end
    begins, ends, numbers = zip(*pieces, (reached, math.inf, 0))
    return Timeline(np.array(begins), np.array(ends), np.array(numbers), labels)


def _said(schema: Schema, row: Mapping[str, Any], name: str) -> Iterator[tuple[int, Any]]:
    """Yields (segment, label) of those that label a dimension, by their begins."""
    if name in schema.vocabularies:
        of_segment: dict[int, list[int]] = {}
        for segment, tag in row[TAGS + name].tolist():
            of_segment.setdefault(segment, []).append(tag)
        yield from sorted(of_segment.items())
    else:
        yield from (
            (segment, value) for segment, value in enumerate(row[VALUES + name].tolist()) if not math.isnan(value)
        )


def _key(label: Any) -> Any:
    """What two equal labels have in common; NaN, as no tags, is the label of what is unlabelled."""
    if isinstance(label, (Sequence, np.ndarray)):
        return frozenset(map(int, label))
    return None if math.isnan(label) else float(label)


def covering(songs: Sequence[Timeline], begins: Array, seconds: Array | float) -> Array:
    """int64 [W]: the number of the label that each of W windows has, `JOIN` where none covers `SHARE` of it.

    Args:
        songs: W timelines of one dimension, each that of the window's song.
        begins: float [W], where the window begins in its song, in seconds.
        seconds: how long each is.
    """
    if not songs:
        return np.zeros(0, np.int64)
    seconds = np.broadcast_to(seconds, len(songs))
    window = np.repeat(np.arange(len(songs)), [len(song.begins) for song in songs])
    first, last, number = (np.concatenate([getattr(s, of) for s in songs]) for of in ("begins", "ends", "numbers"))
    held = np.minimum(last, (begins + seconds)[window]) - np.maximum(first, begins[window])
    width = max(len(song.labels) for song in songs)
    by_label = np.bincount(window * width + number, np.maximum(held, 0), len(songs) * width).reshape(-1, width)
    best = by_label.argmax(axis=1)  # no two labels cover three quarters
    enough = by_label[np.arange(len(songs)), best] >= SHARE * seconds - _ROUNDING
    return np.where(enough, best, JOIN)


def label_windows(
    labels: Labels,
    rows: Sequence[Mapping[str, Any]],
    segmented: Sequence[str],
    items: Array,
    start: Array,
    features: LogMel = PAPER_CHAIN,
    speeds: Array | float = 1.0,
) -> dict[str, Array]:
    """Labels of windows, as `dmml_tf.data.records.repeat_labels` gives them, by what covers each in its song.

    Args:
        labels: columns of N tracks.
        rows: of each of them, of which only "timelines" is read: what `timelines` gives.
        segmented: dimensions in which a song's label may change.
        items: int [W], the window's track.
        start: int [W], its first frame, counted from its song's begin.
        features: the signal chain, whose frames these are.
        speeds: how many times faster each window is played, float [W]: it covers as many times more of its song.

    Returns:
        Beside the columns of `labels` and `start`, for each dimension in `segmented` the column `part_of` it.
    """
    columns = repeat_labels(labels, items, start)
    for name in segmented:
        part = np.zeros(len(items), np.int32)
        changing = np.array([name in rows[item]["timelines"] for item in items], bool)
        songs = [rows[item]["timelines"][name] for item in items[changing]]
        seconds = np.broadcast_to(speeds, len(items))[changing] * features.window_frames / features.frames_per_second
        numbers = covering(songs, np.asarray(start)[changing] / features.frames_per_second, seconds)
        part[changing] = np.where(numbers == JOIN, JOIN, numbers + 1)
        columns[name] = _put(columns[name], changing, songs, numbers)
        columns[part_of(name)] = part
    return columns


def _put(column: Array, rows: Array, songs: Sequence[Timeline], numbers: Array) -> Array:
    """A column of W windows in which `rows`, bool [W], have the labels of these numbers."""
    if column.ndim == 1:
        column[rows] = [np.nan if n == JOIN else song.labels[n] for song, n in zip(songs, numbers)]
        return column
    ids = pad_ids([() if n == JOIN else song.labels[n] for song, n in zip(songs, numbers)])
    wide = np.full((len(column), max(column.shape[1], ids.shape[1])), -1, np.int32)
    wide[:, : column.shape[1]] = column
    wide[rows] = -1
    wide[rows, : ids.shape[1]] = ids
    return wide
