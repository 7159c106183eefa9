"""Paths against every path that there is, by cosines of the raw embeddings."""

import dataclasses
import itertools

import numpy as np
import pytest

from dmml_tf.library import path as path_module
from dmml_tf.library.path import song_path
from dmml_tf.search import nearest
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_embedding, by_tracks
from dmml_tf.search.recall import prepared
from dmml_tf.search.rules import Rules
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows
from tfrecords_tools.errors import UserError

WEIGHTS = {"mood": 1.0, "tempo": 0.5}


def weighted(vector) -> np.ndarray:
    """float64: sub-spaces at unit length times the root of their share."""
    parts = []
    for name, weight in WEIGHTS.items():
        part = vector[CONDITIONS.subspaces[name]].astype(np.float64)
        length = np.linalg.norm(part)
        parts.append(np.sqrt(weight / 1.5) * (part / length if length else part))
    return np.concatenate(parts)


def measures(points, steps: int) -> tuple[float, float]:
    """Largest step, and the sum of squares, of a sequence of points."""
    sizes = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(points)]
    way = points[-1] - points[0]
    off = [float((point - points[0]) @ way / (way @ way)) - place / steps for place, point in enumerate(points)]
    return max(sizes), sum(size**2 for size in sizes) + sum((number * np.linalg.norm(way)) ** 2 for number in off)


def ends(index: Index, start: str = "t001", end: str = "t008"):
    return by_tracks(index, [start]), by_tracks(index, [end])


def songs_of(count: int, seed: int) -> dict[str, np.ndarray]:
    return {row["id"]: weighted(vector) for row, vector in zip(rows(count), raw_vectors(count, seed))}


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_best_of_all_paths(seed, steps):
    points = songs_of(13, seed)
    way = points["t008"] - points["t001"]
    progress = {name: float((point - points["t001"]) @ way / (way @ way)) for name, point in points.items()}
    inner = sorted((name for name in points if 0 < progress[name] < 1), key=progress.__getitem__)
    every = [("t001", *names, "t008") for names in itertools.combinations(inner, steps - 1)]
    index = made_index(13, seed)
    if not every:
        with pytest.raises(UserError, match="lie between the path's ends"):
            song_path(index, *ends(index), steps, WEIGHTS)
        return
    best = min(measures([points[name] for name in names], steps) for names in every)
    found = song_path(index, *ends(index), steps, WEIGHTS)
    names = [stop.track["id"] for stop in found.stops]
    assert names[0] == "t001" and names[-1] == "t008" and len(names) == steps + 1 == len(set(names))
    assert measures([points[name] for name in names], steps) == pytest.approx(best, abs=1e-4)
    assert found.largest == pytest.approx(best[0], abs=1e-4)
    assert found.apart == pytest.approx(float(np.linalg.norm(way)), abs=1e-4)
    for (a, b), stop in zip(itertools.pairwise(names), found.stops[1:]):
        assert stop.step == pytest.approx(float(np.linalg.norm(points[b] - points[a])), abs=1e-4)
        assert stop.progress == pytest.approx(progress[b], abs=1e-4)
        mean = sum(weight * stop.cosines[name] for name, weight in WEIGHTS.items()) / 1.5
        squares = float(points[a] @ points[a] + points[b] @ points[b])  # less than 2 where a sub-space is all zeros
        assert stop.step == pytest.approx(np.sqrt(squares - 2 * mean), abs=1e-3)
    assert found.stops[0].step == 0 and found.stops[0].cosines == {}
    assert [stop.progress for stop in found.stops] == sorted(stop.progress for stop in found.stops)


@pytest.mark.parametrize("seed", range(6))
def test_limits_hold_and_the_ends_count(seed):
    index = made_index(80, seed)  # of four artists
    found = song_path(index, *ends(index), 5, WEIGHTS, rules=Rules(most_per_artist=2))
    artists = [stop.track["artist"] for stop in found.stops]
    assert max(artists.count(name) for name in artists) <= 2 and len(artists) == 6
    free = song_path(index, *ends(index), 5, WEIGHTS)
    assert free.largest <= found.largest + 1e-6
    with pytest.raises(UserError, match="no path of 9 steps .* so few songs of each artist"):
        song_path(index, *ends(index), 9, WEIGHTS, rules=Rules(most_per_artist=2))


def test_the_songs_between_pass_the_filters_and_the_ends_need_not():
    index = made_index(80)
    rules = Rules([parse_filter("genre=rock"), parse_filter("artist!=artist 2")])
    found = song_path(index, *ends(index), 6, WEIGHTS, rules=rules)
    assert all(stop.track["genre"] == "rock" for stop in found.stops[1:-1])
    assert not any(stop.track["artist"] == "artist 2" for stop in found.stops[1:-1])
    allowed = [row["id"] for row in rows(80) if row["genre"] == "rock" and row["artist"] != "artist 2"]
    smaller = [i for i, row in enumerate(rows(80)) if row["id"] in {*allowed, "t001", "t008"}]
    alone = Index.build(raw_vectors(80)[smaller], CONDITIONS, [rows(80)[i] for i in smaller])
    assert song_path(alone, *ends(alone), 6, WEIGHTS) == found


def test_what_is_kept_stays_nearer_the_first_song():
    means = []
    for keep in ((), ("genre",)):
        strayed = []
        for seed in range(8):
            index = made_index(80, seed)
            found = song_path(index, *ends(index), 6, WEIGHTS, keep)
            genre = index.vectors[:, index.slices["genre"]]
            inner = [index.position(stop.track["id"]) for stop in found.stops[1:-1]]
            strayed.append(float((genre[inner] @ genre[index.position("t001")]).mean()))
        means.append(np.mean(strayed))
    assert means[1] > means[0] + 0.15


def test_an_end_may_be_a_sound_that_is_not_in_the_index():
    index, raw = made_index(40), raw_vectors(40)
    sound = by_embedding(raw[[row["id"] for row in rows(40)].index("t001")] * 3, CONDITIONS)
    found = song_path(index, sound, by_tracks(index, ["t008"]), 4, WEIGHTS, rules=Rules(exclude=["t001"]))
    own = song_path(index, *ends(index), 4, WEIGHTS)
    assert found.stops[0].track is None
    assert [stop.track for stop in found.stops[1:]] == [stop.track for stop in own.stops[1:]]


def test_many_songs_are_searched_for_candidates(monkeypatch):
    pytest.importorskip("faiss")
    whole = made_index(600)
    best = song_path(whole, *ends(whole), 5, WEIGHTS)
    monkeypatch.setattr(path_module, "CANDIDATES", 300)
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 100)
    index = prepared(whole, exact_up_to=100)
    assert index.coarse is not None
    found = song_path(index, *ends(index), 5, WEIGHTS, ["genre"], Rules(most_per_artist=3))
    assert len({stop.track["id"] for stop in found.stops}) == 6
    found = song_path(index, *ends(index), 5, WEIGHTS)
    assert best.largest - 1e-6 <= found.largest < 1.15 * best.largest


def test_another_seed_gives_another_path():
    index = made_index(80)
    paths = [song_path(index, *ends(index), 5, WEIGHTS, rules=Rules(vary=0.4, seed=seed)) for seed in (0, 0, 1)]
    assert paths[0] == paths[1] != paths[2]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"end": "t001"}, "ends are the same song, 't001'"),
        ({"steps": 0}, "steps is 0; a path has 1 to 100"),
        ({"steps": 101}, "steps is 101"),
        ({"steps": 60}, "songs lie between the path's ends, 59 are needed for 60 steps; ask for at most"),
        ({"rules": Rules([parse_filter("genre=polka")])}, "no songs lie between .* allow more songs"),
        ({"rules": Rules([parse_filter("gnre=polka")])}, "no column 'gnre'"),
    ],
)
def test_bad_paths(change, reason):
    index = made_index()
    start, end = ends(index, end=change.pop("end", "t008"))
    with pytest.raises(UserError, match=reason):
        song_path(index, start, end, **{"steps": 4, "weights": WEIGHTS, **change})


def test_ends_that_sound_the_same_are_told():
    index = made_index()
    copied = np.array(index.vectors)
    copied[8, index.slices["mood"]] = copied[1, index.slices["mood"]]
    index = dataclasses.replace(index, vectors=copied)
    with pytest.raises(UserError, match="sound the same in all that is weighted"):
        song_path(index, *ends(index), 4, {"mood": 1.0})


def with_copies(index: Index, pairs: dict[str, str]) -> Index:
    """Each song (first) gets nearly the vector of another one."""
    vectors = np.array(index.vectors)
    for song, other in pairs.items():
        vectors[index.position(song)] = vectors[index.position(other)] + 1e-4
    return dataclasses.replace(index, vectors=vectors)


@pytest.mark.parametrize("seed", range(4))
def test_no_step_leads_to_a_copy(seed):
    plain = made_index(40, seed)
    way = [stop.track["id"] for stop in song_path(plain, *ends(plain), 4, WEIGHTS).stops]
    spare = [name for name in plain.table.ids if name not in way][:3]
    index = with_copies(plain, {spare[0]: way[0], spare[1]: way[1], spare[2]: way[-1]})
    for steps in (4, 6, 8):
        found = song_path(index, *ends(index), steps, WEIGHTS)
        assert not {spare[0], spare[2]} & {stop.track["id"] for stop in found.stops}
        assert all(min(stop.cosines[name] for name in index.slices) < 0.99 for stop in found.stops[1:])
