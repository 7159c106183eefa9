"""Points against the cosines of the raw embeddings, and great circles against their definition."""

import numpy as np
import pytest

from dmml_tf.library.points import Points, between, distances, query_between
from dmml_tf.search.query import by_embedding, by_tracks, of_row
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows
from tfrecords_tools.errors import UserError


def cosine(a, b) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("weights", [None, {"mood": 1.0, "tempo": 0.5}, {"whole": 2.0, "genre": 1.0}, {"whole": 1.0}])
def test_distances_are_of_the_weighted_mean_cosine(weights):
    index, raw = made_index(), raw_vectors(40)
    by_id = dict(zip((row["id"] for row in rows(40)), raw))
    points = Points.weighed(index, weights)
    chosen = np.array([5, 9, 20, 21])
    found = distances(points.of_rows(chosen), points.of_rows(chosen))
    weights = weights or {"genre": 1, "mood": 1, "tempo": 1}
    for (a, one), (b, other) in ((x, y) for x in enumerate(chosen) for y in enumerate(chosen)):
        first, second = (by_id[index.tracks[row]["id"]] for row in (one, other))
        mean = sum(
            weight * cosine(first[part], second[part])
            for name, weight in weights.items()
            for part in [CONDITIONS.subspaces.get(name, slice(None))]
        ) / sum(weights.values())
        assert abs(found[a, b] - np.sqrt(max(0, 2 - 2 * mean))) < 2e-3
    np.testing.assert_allclose(points.of_query(of_row(index, 9)), points.of_rows(np.array([9]))[0], atol=1e-6)
    same = by_embedding(by_id[index.tracks[9]["id"]], CONDITIONS)
    np.testing.assert_allclose(points.of_query(same), points.of_rows(np.array([9]))[0], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_great_circles_go_evenly(seed):
    start, end = np.random.default_rng(seed).normal(size=(2, 7)).astype(np.float32)
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    angle = np.arccos(start @ end)
    for share in (0.0, 0.25, 0.5, 1.0):
        point = between(start, end, share)
        assert abs(np.linalg.norm(point) - 1) < 1e-5
        assert abs(np.arccos(np.clip(point @ start, -1, 1)) - share * angle) < 2e-3
        assert abs(np.arccos(np.clip(point @ end, -1, 1)) - (1 - share) * angle) < 2e-3


def test_great_circles_where_there_is_none():
    a, zero = np.array([1.0, 0.0], np.float32), np.zeros(2, np.float32)
    assert between(a, a, 0.3).tolist() == [1, 0] and between(zero, zero, 0.3).tolist() == [0, 0]
    assert between(a, zero, 0.5).tolist() == [1, 0] and np.isfinite(between(a, -a, 0.5)).all()


def test_what_is_kept_stays_with_the_first_song():
    index = made_index()
    start, end = (by_tracks(index, [name]) for name in ("t003", "t007"))
    half = query_between(index, start, end, 1.0, ["genre"])
    genre, tempo = index.slices["genre"], index.slices["tempo"]
    assert (half.vector[genre] == start.vector[genre]).all()
    np.testing.assert_allclose(half.vector[tempo], end.vector[tempo], atol=1e-6)
    np.testing.assert_allclose(half.whole, end.whole, atol=1e-6)
    assert Points.weighed(index, None, ["genre"]).weights.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "weights, keep, reason",
    [
        ({"mood": -1, "tempo": 1}, (), "weight of 'mood' is -1"),
        ({"mod": 1}, (), "no condition 'mod'"),
        ({"mood": 0}, (), "no weight is above 0"),
        ({"mood": 1}, ["mood"], "'mood' is kept and weighed"),
        ({"mood": 1}, ["genr"], "no condition 'genr' to keep"),
        (None, ["genre", "mood", "tempo"], "no weight is above 0"),
    ],
)
def test_bad_weights(weights, keep, reason):
    with pytest.raises(UserError, match=reason):
        Points.weighed(made_index(), weights, keep)
