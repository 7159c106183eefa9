"""Where a song's labels change, and how well boundaries tell: mir_eval's measures, and those that nothing explains."""

import math
from collections.abc import Sequence

import mir_eval
import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.data.segment_labels import Timeline

WITHIN = 3.0  # seconds, the usual wide window of boundary measures
EXACTLY = 0.5  # seconds, the usual narrow one
Song = tuple[Sequence[float], Sequence[float], float]  # joins, boundaries found, seconds


def joins_of(timeline: Timeline, seconds: float) -> list[float]:
    """Seconds at which one label ends and another begins, between a song's two ends.

    Args:
        timeline: of one dimension.
        seconds: length of the song.
    """
    changes = np.flatnonzero(np.diff(timeline.numbers)) + 1
    return [begin for begin in timeline.begins[changes].tolist() if 0 < begin < seconds]


def detection(
    joins: Sequence[float], found: Sequence[float], seconds: float, window: float
) -> tuple[float, float, float]:
    """mir_eval's precision, recall and F of boundaries within `window` s, the song's ends left out.

    Args:
        joins: where labels change, at least one.
        found: boundaries to be judged; none gives 0 for all three.
        seconds: length of the song.
        window: largest distance of a boundary from its join.
    """
    if not len(found):  # mir_eval gives the same, and warns
        return 0.0, 0.0, 0.0
    figures = mir_eval.segment.detection(_intervals(joins, seconds), _intervals(found, seconds), window, trim=True)
    return tuple(map(float, figures))  # type: ignore[return-value]


def false_boundaries(joins: Sequence[float], found: Sequence[float]) -> int:
    """How many of the boundaries found have no join within 3 s."""
    return sum(min((abs(second - join) for join in joins), default=math.inf) > WITHIN for second in found)


def f_of_all(songs: Sequence[Song]) -> float:
    """F within 3 s over all songs together: one that has no join can only lower it, by its false boundaries."""
    hits = sum(detection(joins, found, seconds, WITHIN)[1] * len(joins) for joins, found, seconds in songs if joins)
    false = sum(false_boundaries(joins, found) for joins, found, _ in songs)
    missed = sum(len(joins) for joins, _, _ in songs) - hits
    return 2 * hits / max(2 * hits + false + missed, 1e-9)


def _intervals(boundaries: Sequence[float], seconds: float) -> Array:
    edges = np.unique([0.0, *boundaries, seconds])
    return np.stack([edges[:-1], edges[1:]], axis=1)
