"""The ways that paths are compared with, against their definitions."""

import itertools

import numpy as np
import pytest

from dmml_tf.benchmarks.paths import Walk, bench_paths, greedy_walk, neighbour_graph, shortest_path
from dmml_tf.library.points import Points, distances, query_between
from dmml_tf.search.query import of_row
from tests.dmml_tf.search.made import made_index
from tfrecords_tools.errors import UserError


def test_a_walk_on_a_line():
    walk = Walk.of(np.array([[0.0, 0], [0.2, 0], [0.5, 0.4], [1.0, 0]], np.float32))
    assert walk.largest == pytest.approx(np.hypot(0.5, 0.4)) and walk.uneven == pytest.approx(
        (1 / 3 - 0.2 + 2 / 3 - 0.5) / 4
    )
    assert walk.mean == pytest.approx((0.2 + 0.5 + np.hypot(0.5, 0.4)) / 3)


@pytest.mark.parametrize("seed", range(4))
def test_the_greedy_walk_takes_the_nearest_that_is_left(seed):
    index = made_index(40, seed)
    points = Points.weighed(index, {"mood": 1.0, "tempo": 0.5})
    songs = points.of_rows(np.arange(40))
    walk = greedy_walk(points, songs, 3, 9, 6)
    assert walk[0] == 3 and walk[-1] == 9 and len(set(walk)) == 7
    for place in range(1, 6):
        target = points.of_query(query_between(index, of_row(index, 3), of_row(index, 9), place / 6))
        away = distances(songs, target[None])[:, 0]
        left = set(range(40)) - {9, *walk[:place]}
        assert away[walk[place]] == min(away[row] for row in left)


@pytest.mark.parametrize("seed", range(4))
def test_the_shortest_path_is_the_shortest_on_the_graph(seed):
    index = made_index(9, seed)
    songs = Points.weighed(index, {"mood": 1.0}).of_rows(np.arange(9))
    graph, away = neighbour_graph(songs, 2), distances(songs, songs).astype(np.float64)
    nearest = [
        set(np.argsort(np.where(np.arange(9) == row, 9, away[row]), kind="stable")[:2].tolist()) for row in range(9)
    ]

    def length(path) -> float:
        steps = itertools.pairwise(path)
        return sum(max(away[a, b], 1e-6) if b in nearest[a] or a in nearest[b] else np.inf for a, b in steps)

    inner = [row for row in range(9) if row not in (0, 5)]
    every = [(0, *middle, 5) for count in range(8) for middle in itertools.permutations(inner, count)]
    best = min(map(length, every))
    found = shortest_path(graph, 0, 5)
    assert (length(found) == pytest.approx(best, abs=1e-5)) if np.isfinite(best) else found == []


def test_too_few_or_too_many_songs_are_told(monkeypatch):
    with pytest.raises(UserError, match="8 songs; paths are compared on 12 to 20000"):
        bench_paths(made_index(8))
    text = bench_paths(made_index(30), pairs=12, steps=9)
    assert "12 pairs of songs; " in text or "9 steps" in text
