"""From one song to another in steps: songs that are close to their neighbours and lie evenly on the way.

Distances are those of `Points`, in what is weighted. A song x between A and B has the progress
`<x - a, b - a> / |b - a|^2`: 0 at A, 1 at B, whatever it is beside the way. A path has n steps, and each of its songs
has more progress than the one before, so that none comes twice; no step leads from a song
to its copy (`points.copies`), where there is another way. Of all such sequences of the candidates that one is
taken whose largest step is smallest; among these the one of the least sum of squares of the steps and of the deviations
from even progress, `|b - a| (p_i - i / n)`. Both are exact, by dynamic programming over the candidates in the order of
their progress. Up to 1,024 songs all are candidates; of more those nearest to n + 1 points on the great circles from A
to B, found as a search finds them.
"""

import dataclasses
import functools
import itertools
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.library.points import Points, copies, distances, query_between
from dmml_tf.library.sequence import best_sequence
from dmml_tf.search.index import Asked, Index, Query
from dmml_tf.search.query import cosines_between, of_row
from dmml_tf.search.rules import NO_RULES, Limits, Rules
from tfrecords_tools.errors import UserError

STEPS = 10
MOST_STEPS = 100
CANDIDATES = 1024
_LEAST_EACH = 16  # candidates of a point on the way
_COPIED = 10.0  # above any distance
_SAME = 1e-3  # a distance that float32 cannot tell from none


@dataclasses.dataclass(frozen=True)
class Stop:
    """A song of a path.

    Attributes:
        track: its metadata; None of an end that is not in the index.
        progress: how far on the way it lies, 0 at the first song and 1 at the last.
        step: distance from the song before in what is weighted, 0 of the first.
        cosines: condition -> cosine with the song before; empty of the first.
    """

    track: Mapping[str, str] | None
    progress: float
    step: float
    cosines: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class SongPath:
    """The songs from A to B, both included.

    Attributes:
        stops: in their order, one more than there are steps.
        apart: distance from A to B.
    """

    stops: Sequence[Stop]
    apart: float

    @property
    def largest(self) -> float:
        """The largest step."""
        return max(stop.step for stop in self.stops[1:])

    @property
    def mean(self) -> float:
        """The mean step."""
        return sum(stop.step for stop in self.stops[1:]) / (len(self.stops) - 1)


def song_path(
    index: Index,
    start: Query,
    end: Query,
    steps: int = STEPS,
    weights: Mapping[str, float] | None = None,
    keep: Collection[str] = (),
    rules: Rules = NO_RULES,
) -> SongPath:
    """The path from one song to another.

    Args:
        index: whose songs lie between.
        start, end: each of a song of the index (`query.by_tracks`), or of a sound that is not (`query.by_embedding`).
        steps: from a song to the next; one more song than that.
        weights: condition, or `whole` -> weight, at least 0; None weighs each sub-space 1. In what is not weighted the
            songs may be anything.
        keep: conditions in which the songs between stay near the first one: a step to a song then also counts its
            distance from the first there, by the largest of the weights.
        rules: what the songs between must be; of its limits the two ends count too.

    Raises:
        UserError: on unusable weights, as many steps as cannot be taken, ends that are one song or sound the same in
            what is weighted, or fewer songs between them than needed.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise UserError(f"steps is {steps}; a path has 1 to {MOST_STEPS}")
    points = Points.weighed(index, weights, keep)
    way = _Way(points, start, end)
    if set(start.sources) & set(end.sources):
        raise UserError(f"the path's ends are the same song, '{end.sources[0]}'; name two")
    if way.apart < _SAME:
        raise UserError("the path's ends sound the same in all that is weighted; name two other songs, or weigh more")
    rows, progress = way.candidates(steps, keep, rules.allowed(index.table, way.own))
    if len(rows) < steps - 1:
        raise UserError(
            f"{len(rows) or 'no'} songs lie between the path's ends, {steps - 1} are needed for {steps} steps; ask for "
            f"{'at most ' if len(rows) else ''}{len(rows) + 1}, or allow more songs"
        )
    places = _within_limits(way, rows, progress, steps, keep, rules)
    return way.shown(rows[places], progress[places])


@dataclasses.dataclass(frozen=True, eq=False)
class _Way:
    """What lies between two ends."""

    points: Points
    start: Query
    end: Query

    @functools.cached_property
    def ends(self) -> Array:
        """float32 [2, P]."""
        return np.stack([self.points.of_query(self.start), self.points.of_query(self.end)])

    @property
    def own(self) -> list[int]:
        """Rows of the ends that are in the index."""
        return [self.points.index.position(track_id) for query in (self.start, self.end) for track_id in query.sources]

    @property
    def apart(self) -> float:
        """Distance from end to end."""
        return float(np.linalg.norm(self.ends[1] - self.ends[0]))

    def candidates(self, steps: int, keep: Collection[str], allowed: Array) -> tuple[Array, Array]:
        """Rows among which the path is sought, int [m] by ascending progress, and their progress, float64 [m]."""
        rows = np.flatnonzero(allowed)
        if len(rows) > CANDIDATES:
            index, each = self.points.index, max(CANDIDATES // (steps + 1), _LEAST_EACH)
            kept = [name in keep for name in index.names]
            weights = np.where(kept, self.points.weights.max(), self.points.weights)
            targets = [query_between(index, self.start, self.end, place / steps, keep) for place in range(steps + 1)]
            near = index.candidates([Asked(target, weights, allowed) for target in targets], each)
            rows = np.unique(np.concatenate(near))
        start, end = self.ends.astype(np.float64)
        progress = (self.points.of_rows(rows) - start) @ (end - start) / self.apart**2
        order = np.argsort(progress, kind="stable")
        order = order[(progress[order] > 0) & (progress[order] < 1)]
        return rows[order], progress[order]

    def costs(self, rows: Array, keep: Collection[str]) -> Array:
        """float32 [m + 2, m + 2]: of a step from the start, a song or the end (first) to another (second)."""
        points = np.concatenate([self.ends[:1], self.points.of_rows(rows), self.ends[1:]])
        vectors = np.concatenate([self.start.vector[None], self.points.index.vectors[rows], self.end.vector[None]])
        # Costlier than any other, so that they are taken where there is no other way alone.
        costs = distances(points, points) + np.float32(_COPIED) * copies(self.points.index, vectors, vectors)
        if not keep:
            return costs
        kept = Points.weighed(self.points.index, dict.fromkeys(keep, 1.0))
        strayed = distances(kept.of_rows(rows), kept.of_query(self.start)[None])[:, 0]
        share = np.float32(self.points.weights.max() * len(keep) / self.points.weights.sum())
        # Nobody steps to the start, and where the end lies is no song's doing.
        away = np.concatenate([[0.0], strayed**2, [0.0]])
        return np.asarray(np.sqrt((costs**2 + share * away) / (1 + share)), np.float32)

    def shown(self, rows: Array, progress: Array) -> SongPath:
        """The path through some rows."""
        index = self.points.index
        songs = [self.start, *(of_row(index, row) for row in rows), self.end]
        tracks = [index.tracks[index.position(song.sources[0])] if song.sources else None for song in songs]
        points = np.stack([self.points.of_query(song) for song in songs])
        steps = [0.0, *np.linalg.norm(np.diff(points, axis=0), axis=1).tolist()]
        cosines = [{}, *(cosines_between(index, one, other) for one, other in itertools.pairwise(songs))]
        stops = [Stop(*stop) for stop in zip(tracks, [0.0, *progress.tolist(), 1.0], steps, cosines)]
        return SongPath(stops, self.apart)


def _within_limits(way: _Way, rows: Array, progress: Array, steps: int, keep: Collection[str], rules: Rules) -> Array:
    """Places among `rows` of the best path; while an artist or album is there too often, without its other songs."""
    costs, table = way.costs(rows, keep), way.points.index.table
    keys = [Limits(table, rules).keys(row) for row in rows] if rules.limited else []
    wanted, left = np.arange(1, steps) / steps, np.arange(len(rows))
    while True:
        at = np.concatenate([[0], left + 1, [len(rows) + 1]])
        places = best_sequence(costs[np.ix_(at, at)], progress[left], wanted, way.apart)
        if places is None:
            raise UserError(
                f"no path of {steps} steps has so few songs of each artist or album; allow more, or take fewer steps"
            )
        chosen, limits = left[places], Limits(table, rules)
        for row in way.own:
            limits.count(row)
        # Of an artist that is there too often those songs stay that the path comes by most easily.
        stations = np.concatenate([[0], chosen + 1, [len(rows) + 1]])
        steps_taken = costs[stations[:-1], stations[1:]]
        by_ease = chosen[np.argsort(np.maximum(steps_taken[:-1], steps_taken[1:]), kind="stable")]
        stay = {int(place) for place in by_ease if limits.take(rows[place])}
        if len(stay) == len(chosen):
            return chosen
        full = limits.full(set().union(*(keys[place] for place in chosen if place not in stay)))
        left = np.array([place for place in left if place in stay or not keys[place] & full], np.intp)
