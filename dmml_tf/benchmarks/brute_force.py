"""The rules of similarity in plain Python, on sets of tags and single numbers: what checks the sampler.

It shares no line with `dmml_tf.conditions`.
"""

import collections
import itertools
import math
from collections.abc import Iterable, Mapping

import numpy as np

from dmml_tf.conditions import Condition, SameTrack, SharedTag, Within
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.tables.formats import artists_of
from tfrecords_tools.tables.rows import Segment
from tfrecords_tools.tables.segment_table import SegmentRow
from tfrecords_tools.tables.tracks import TrackRow

_KNOWN = (SharedTag, Within, SameTrack)

# (track id, first frame) of a window.
Place = tuple[str, int]
# Tags, or one value; nothing where there is none.
Label = frozenset


class BruteForce:
    """Judges triplets of windows by what `tracks.csv` says of their tracks, and `track_segments.csv` of parts of them.

    Args:
        tracks: track id -> its row.
        segments: rows of the other table.
    """

    def __init__(self, tracks: Mapping[str, TrackRow], segments: Iterable[SegmentRow] = ()):
        self._tracks = tracks
        self._segments: dict[str, list[Segment]] = {}
        for row in segments:
            self._segments.setdefault(row.track_id, []).append(row.segment)
        self._of_windows: dict[tuple[str, Place], Label] = {}

    def labelled(self, condition: Condition, track: str) -> bool:
        """Whether a track, or a segment of it, has a tag or a value that the condition reads."""
        _require_known(condition)
        return isinstance(condition, SameTrack) or any(self._labels(condition.column, track))

    def valid(self, condition: Condition, anchor: Place, positive: Place, negative: Place) -> bool:
        """Whether the condition allows the triplet.

        Raises:
            UserError: on a condition of a class whose rule is not written here.
        """
        _require_known(condition)
        if isinstance(condition, SameTrack):
            common = PAPER_CHAIN.window_frames - abs(anchor[1] - positive[1])
            apart = anchor[0] == positive[0] and 2 * common <= PAPER_CHAIN.window_frames
            return apart and anchor[0] != negative[0]
        if anchor[0] == positive[0]:
            return False
        a, p, n = (self._label(condition.column, place) for place in (anchor, positive, negative))
        # Two windows of one song differ by its segments or not at all.
        if anchor[0] == negative[0] and a == n:
            return False
        if isinstance(condition, Within):
            if not a or not p or not n:
                return False
            # As the records hold them.
            (x,), (near,), (far,) = ([np.float32(value) for value in label] for label in (a, p, n))
            apart_by = [_octaves_apart(x, y) if condition.octave else abs(x - y) for y in (near, far)]
            return bool(apart_by[0] <= condition.tolerance < apart_by[1])
        return bool(a & p) and bool(n) and not a & n

    def alone(self, condition: Condition) -> int:
        """Tracks that share no tag with any other, so that they are never an anchor; 0 for conditions without tags."""
        if not isinstance(condition, SharedTag):
            return 0
        return count_alone(set().union(*self._labels(condition.column, track)) for track in self._tracks)

    def _labels(self, column: str, track: str) -> list[Label]:
        """A song's own label, then those of its segments; empty ones too."""
        return [self._own(column, track), *(_said(segment, column) for segment in self._segments.get(track, ()))]

    def _own(self, column: str, track: str) -> Label:
        row = self._tracks[track]
        if column == "artist" and "artist" not in row.tags:
            return frozenset(artists_of(row.artist))
        if column in row.tags:
            return frozenset(row.tags[column])
        return frozenset() if math.isnan(row.values[column]) else frozenset([row.values[column]])

    def _label(self, column: str, place: Place) -> Label:
        """What covers three quarters of a window, stretch by stretch between ends of segments; empty for nothing."""
        if (column, place) not in self._of_windows:
            own, begin = self._own(column, place[0]), place[1] * PAPER_CHAIN.hop / PAPER_CHAIN.sample_rate
            length = PAPER_CHAIN.window_frames * PAPER_CHAIN.hop / PAPER_CHAIN.sample_rate
            parts = [part for part in self._segments.get(place[0], ()) if _said(part, column)]
            edges = {edge for part in parts for edge in (part.start, part.end) if begin < edge < begin + length}
            seconds: dict[Label, float] = collections.defaultdict(float)
            for left, right in itertools.pairwise(sorted({begin, begin + length} | edges)):
                middle = (left + right) / 2
                said = next((_said(part, column) for part in parts if part.start <= middle < part.end), own)
                seconds[said] += right - left
            most = max(seconds, key=seconds.__getitem__)
            enough = seconds[most] >= 0.75 * length - 1e-3
            self._of_windows[column, place] = most if enough else frozenset()
        return self._of_windows[column, place]


def _said(segment: Segment, column: str) -> Label:
    """What a segment says of a column; empty for nothing."""
    if segment.values.get(column) is not None:
        return frozenset([segment.values[column]])
    return frozenset(segment.tags.get(column, ()))


def _require_known(condition: Condition) -> None:
    if type(condition) not in _KNOWN:  # a subclass may have another rule
        raise UserError(
            f"condition '{condition.name}': the brute-force check has no rule for kind '{condition.kind}'; "
            f"it checks: {', '.join(known.kind for known in _KNOWN)}"
        )


def count_alone(tag_sets: Iterable[set]) -> int:
    """How many of the sets that are not empty share no tag with another."""
    tag_sets = [tags for tags in tag_sets if tags]
    holders = collections.Counter(tag for tags in tag_sets for tag in tags)
    return sum(all(holders[tag] == 1 for tag in tags) for tags in tag_sets)


def _octaves_apart(a: np.floating, b: np.floating) -> np.floating | float:
    """The least distance of the larger value from the smaller one, doubled any number of times."""
    small, large = sorted((a, b))
    found = [abs(large - small)]
    while 0 < small <= large:
        small *= 2
        found.append(abs(large - small))
    return math.nan if math.isnan(a) or math.isnan(b) else min(found)
