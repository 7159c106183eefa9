"""The rules of similarity in plain Python, on sets of tags and single numbers: what checks the sampler.

It shares no line with `dmml_tf.conditions`.
"""

import collections
import math
from collections.abc import Iterable, Mapping

import numpy as np

from dmml_tf.conditions import Condition, SameTrack, SharedTag, Within
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.tables.formats import artists_of
from tfrecords_tools.tables.tracks import TrackRow

_KNOWN = (SharedTag, Within, SameTrack)

# (track id, first frame) of a window.
Place = tuple[str, int]


class BruteForce:
    """Judges triplets of windows by what `tracks.csv` says of their tracks.

    Args:
        tracks: track id -> its row.
    """

    def __init__(self, tracks: Mapping[str, TrackRow]):
        self._tracks = tracks

    def labelled(self, condition: Condition, track: str) -> bool:
        """Whether a track has a tag or a value that the condition reads."""
        _require_known(condition)
        if isinstance(condition, SameTrack):
            return True
        if isinstance(condition, Within):
            return not math.isnan(self._tracks[track].values[condition.column])
        return bool(self._tags(condition, track))

    def valid(self, condition: Condition, anchor: Place, positive: Place, negative: Place) -> bool:
        """Whether the condition allows the triplet.

        Raises:
            UserError: on a condition of a class whose rule is not written here.
        """
        _require_known(condition)
        if anchor[0] == negative[0]:
            return False
        if isinstance(condition, SameTrack):
            common = PAPER_CHAIN.window_frames - abs(anchor[1] - positive[1])
            return anchor[0] == positive[0] and 2 * common <= PAPER_CHAIN.window_frames
        if anchor[0] == positive[0]:
            return False
        if isinstance(condition, Within):
            # As the records hold them. Any comparison with NaN is false.
            rows = (self._tracks[track] for track, _ in (anchor, positive, negative))
            a, p, n = (np.float32(row.values[condition.column]) for row in rows)
            near, far = (_octaves_apart(a, v) if condition.octave else abs(a - v) for v in (p, n))
            return bool(near <= condition.tolerance and far > condition.tolerance)
        own, same, other = (self._tags(condition, track) for track, _ in (anchor, positive, negative))
        return bool(own & same) and bool(other) and not own & other

    def alone(self, condition: Condition) -> int:
        """Tracks that share no tag with any other, so that they are never an anchor; 0 for conditions without tags."""
        if not isinstance(condition, SharedTag):
            return 0
        return count_alone(self._tags(condition, track) for track in self._tracks)

    def _tags(self, condition: Condition, track: str) -> set[str]:
        row = self._tracks[track]
        if condition.column == "artist" and "artist" not in row.tags:
            return {*artists_of(row.artist)}
        return set(row.tags[condition.column])


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
