"""How paths compare with the straight greedy walk and with the shortest path on a graph of nearest neighbours."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from tabulate import tabulate

from dmml_tf.conditions.labels import Array
from dmml_tf.library.path import STEPS, song_path
from dmml_tf.library.points import Points, distances, query_between
from dmml_tf.search.index import Index
from dmml_tf.search.query import of_row
from tfrecords_tools.errors import UserError

MOST_SONGS = 20_000  # of more the graph would take hours
NEIGHBOURS = 10
OURS, GREEDY, GRAPH = "dmml path", "greedy walk", "shortest path"


@dataclasses.dataclass(frozen=True)
class Walk:
    """Measures of one path.

    Attributes:
        largest, mean: of its steps, in what is weighted.
        uneven: mean distance of its songs' progress from even progress.
    """

    largest: float
    mean: float
    uneven: float

    @classmethod
    def of(cls, points: Array) -> "Walk":
        """Of the points [n + 1, P] from end to end."""
        steps = np.linalg.norm(np.diff(points.astype(np.float64), axis=0), axis=1)
        way = points[-1].astype(np.float64) - points[0]
        progress = (points - points[0]) @ way / (way @ way)
        even = np.arange(len(points)) / (len(points) - 1)
        return cls(float(steps.max()), float(steps.mean()), float(np.abs(progress - even).mean()))


def bench_paths(
    index: Index,
    pairs: int = 100,
    steps: int = STEPS,
    weights: Mapping[str, float] | None = None,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> str:
    """Paths between random songs of an index by each way, as a table with what it says in words.

    The greedy walk takes the song nearest to each of the points on the great circle from A to B that is not taken yet.
    The shortest path is Dijkstra's on the graph that joins each song with its nearest, its length the sum of the
    distances; it has as many steps as it has, and the others are then asked for the same number.

    Raises:
        UserError: if there are too few songs, or too many for the graph.
    """
    count = len(index.tracks)
    if not steps + 1 < count <= MOST_SONGS:
        raise UserError(f"{count} songs; paths are compared on {steps + 2} to {MOST_SONGS}")
    points = Points.weighed(index, weights)
    songs = points.of_rows(np.arange(count))
    graph = neighbour_graph(songs, neighbours)
    rng = np.random.default_rng(seed)
    rows: dict[tuple[str, str], list[Walk]] = {}
    hops, left = [], 0
    for start, end in (rng.choice(count, 2, replace=False).tolist() for _ in range(pairs)):
        shortest = shortest_path(graph, start, end)
        try:
            asked = {f"{steps} steps": steps} | ({"as many steps as it has": len(shortest) - 1} if shortest else {})
            walks = {}
            for name, number in asked.items():
                ours = song_path(index, of_row(index, start), of_row(index, end), number, weights)
                chosen = [index.position(stop.track["id"]) for stop in ours.stops if stop.track]
                walks[name, OURS] = Walk.of(songs[chosen])
                walks[name, GREEDY] = Walk.of(songs[greedy_walk(points, songs, start, end, number)])
        except UserError:  # too few songs between the two
            left += 1
            continue
        if shortest:
            hops.append(len(shortest) - 1)
            walks["as many steps as it has", GRAPH] = Walk.of(songs[shortest])
        for key, walk in walks.items():
            rows.setdefault(key, []).append(walk)
    return _text(rows, hops, pairs, left, neighbours)


def greedy_walk(points: Points, songs: Array, start: int, end: int, steps: int) -> list[int]:
    """Rows of the straight greedy walk; `songs`, float32 [N, P], are all points."""
    index, taken = points.index, [start, end]
    for place in range(1, steps):
        target = query_between(index, of_row(index, start), of_row(index, end), place / steps)
        away = distances(songs, points.of_query(target)[None])[:, 0]
        away[taken] = np.inf
        taken.insert(-1, int(away.argmin()))
    return taken


def neighbour_graph(songs: Array, neighbours: int) -> coo_matrix:
    """The graph, [N, N], that joins each song with its nearest both ways, at their distances."""
    count, near = len(songs), []
    for first in range(0, count, 1024):
        away = distances(songs[first : first + 1024], songs)
        away[np.arange(len(away)), np.arange(first, first + len(away))] = np.inf
        nearest = np.argpartition(away, neighbours, axis=1)[:, :neighbours]
        near.append((nearest, np.take_along_axis(away, nearest, axis=1)))
    nearest, away = (np.concatenate(parts).ravel() for parts in zip(*near))
    own = np.repeat(np.arange(count), neighbours)
    # A graph has no edge of length 0: copies are joined all the same.
    away = np.maximum(away, 1e-6)
    return coo_matrix((away, (own, nearest)), (count, count)).tocsr()


def shortest_path(graph: coo_matrix, start: int, end: int) -> list[int]:
    """Rows of the shortest path; none where the two are not joined."""
    before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)[1]
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
        if path[-1] < 0:
            return []
    return path[::-1]


def _text(
    rows: Mapping[tuple[str, str], Sequence[Walk]], hops: Sequence[int], pairs: int, left: int, neighbours: int
) -> str:
    table = []
    for (asked, system), walks in rows.items():
        ours = rows[asked, OURS]
        closest = sum(walk.largest < own.largest - 1e-6 for walk, own in zip(walks, ours))
        means = [np.mean([getattr(walk, name) for walk in walks]) for name in ("largest", "mean", "uneven")]
        table.append([asked, system, *means, "" if system == OURS else f"{closest} of {len(walks)}"])
    header = ["", "", "largest step", "mean step", "uneven by", f"smaller largest step than {OURS}"]
    said = [f"{pairs} pairs of songs; {left} left out, since too few songs lie between them"] if left else []
    if hops:
        said.append(
            f"the shortest path on the {neighbours} nearest neighbours has {min(hops)} to {max(hops)} steps, "
            f"{np.mean(hops):.1f} in the mean, where there is one ({len(hops)} of {pairs - left} pairs)"
        )
    return "\n".join([tabulate(table, header, floatfmt=".3f", tablefmt="github"), *said])
