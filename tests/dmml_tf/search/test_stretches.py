"""Searches among stretches, against brute force over every stretch of every song; files."""

import dataclasses
import itertools
import json
import shutil

import numpy as np
import pytest

from dmml_tf.search import nearest
from dmml_tf.search.build import with_stretches
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Index
from dmml_tf.search.join_windows import LEAST_COSINE, join_windows
from dmml_tf.search.query import by_embedding, by_stretch, by_tracks, mix, push_away
from dmml_tf.search.recall import describe, prepared
from dmml_tf.search.rules import Rules
from dmml_tf.search.searcher import Searcher
from dmml_tf.search.stretches import Stretches
from tests.dmml_tf.search.made import CONDITIONS, rows
from tests.dmml_tf.search.test_index import brute_force, cosine
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN

COUNT = 40
SECONDS = PAPER_CHAIN.window_frames / PAPER_CHAIN.frames_per_second
WEIGHTS = {"genre": 0.7, "mood": -0.4, "tempo": 1.3, "whole": 0.2}


def made_windows(seed: int = 0) -> dict[str, np.ndarray]:
    """Id -> windows: of each song one to four parts of one to three windows."""
    rng = np.random.default_rng(seed)

    def song() -> np.ndarray:
        parts = rng.normal(size=(rng.integers(1, 5), CONDITIONS.size))
        windows = np.repeat(parts, rng.integers(1, 4, len(parts)), axis=0)
        return (windows + rng.normal(0, 0.05, windows.shape)).astype(np.float32)

    return {row["id"]: song() for row in rows(COUNT)}


def made_index(windows: dict[str, np.ndarray]) -> Index:
    means = np.stack([windows[row["id"]].mean(axis=0) for row in rows(COUNT)])
    return with_stretches(Index.build(means, CONDITIONS, rows(COUNT)), iter(windows.items()), PAPER_CHAIN)


@pytest.fixture(scope="module")
def windows():
    return made_windows()


@pytest.fixture(scope="module")
def index(windows):
    return made_index(windows)


def stretches_of(windows):
    """(id, first window, one behind the last, embedding) of every stretch."""
    return [
        (name, int(first), int(last), song[first:last].mean(axis=0))
        for name, song in sorted(windows.items())
        for bounds in [join_windows(song, CONDITIONS)]
        for first, last in itertools.pairwise(bounds)
    ]


def best_by_song(windows, query, weights):
    """(score, id, first, last) of the best stretch of each song, best first."""
    every = stretches_of(windows)
    scores = brute_force([part[3] for part in every], range(len(every)), query, weights)
    best = {}
    for score, number in scores:
        best.setdefault(every[number][0], (score, *every[number][:3]))
    return list(best.values())


def test_rows_are_the_means_of_joined_windows(index, windows):
    every, stretches = stretches_of(windows), index.stretches
    assert len(stretches) == len(every) > 2 * COUNT
    for row, (name, first, last, mean) in enumerate(every):
        assert index.table.ids[stretches.songs[row]] == name
        assert stretches.section(row) == pytest.approx((first * SECONDS, last * SECONDS), abs=1e-4)
        for part in CONDITIONS.subspaces.values():
            assert abs(cosine(stretches.vectors[row, part], mean[part]) - 1) < 1e-6
            assert abs(np.linalg.norm(stretches.vectors[row, part]) - 1) < 1e-5


@pytest.mark.parametrize("k", [1, 5, COUNT])
def test_a_song_is_as_near_as_its_nearest_stretch(index, windows, k):
    for name in ("t003", "t020"):
        query = windows[name].mean(axis=0)
        expected = [best for best in best_by_song(windows, query, WEIGHTS) if best[1] != name][:k]
        hits = index.search(by_tracks(index, [name]), WEIGHTS, k)
        assert [hit.track["id"] for hit in hits] == [best[1] for best in expected]
        for hit, (score, _, first, last) in zip(hits, expected):
            assert abs(hit.score - score) < 1e-5
            assert abs(sum(WEIGHTS[c] * hit.cosines[c] for c in WEIGHTS) - hit.score) < 1e-9
            assert hit.section == pytest.approx((first * SECONDS, last * SECONDS), abs=1e-4)


def test_by_the_stretch_at_a_time(index, windows):
    for name, first, last, mean in stretches_of(windows)[:12]:
        for seconds in (first * SECONDS + 0.01, last * SECONDS - 0.01):
            query, section = by_stretch(index, name, seconds)
            assert section == pytest.approx((first * SECONDS, last * SECONDS), abs=1e-4)
        hits = index.search(query, WEIGHTS, 3)
        expected = [best for best in best_by_song(windows, mean, WEIGHTS) if best[1] != name][:3]
        assert [hit.track["id"] for hit in hits] == [best[1] for best in expected]
    end = len(windows["t000"]) * SECONDS
    assert by_stretch(index, "t000", end + 2.9)[1].end == pytest.approx(end, abs=1e-4)  # what no whole window is of
    for seconds in (-0.1, end + 3.1):
        with pytest.raises(UserError, match=r"t000: 0:.* is not within the song, of which 0:.* were heard"):
            by_stretch(index, "t000", seconds)
    with pytest.raises(UserError, match="holds whole songs alone; make it with dmml index --windows"):
        by_stretch(index.of_whole_songs(), "t000", 1.0)


def test_mixed_and_pushed_away(index, windows):
    query, _ = by_stretch(index, "t003", 0.1)
    other = by_tracks(index, ["t007"])
    asked = push_away(index, mix(index, {"tempo": query, "genre": by_tracks(index, ["t005"])}), other)
    mean = next(part[3] for part in stretches_of(windows) if part[0] == "t003")
    wanted = {"tempo": mean, "genre": windows["t005"].mean(axis=0)}
    scores = {}
    for name, _, _, part in stretches_of(windows):
        of = {condition: part[owned] for condition, owned in CONDITIONS.subspaces.items()}
        score = sum(
            cosine(wanted[condition][owned], of[condition])
            - 0.5 * cosine(windows["t007"].mean(axis=0)[owned], of[condition])
            for condition, owned in CONDITIONS.subspaces.items()
            if condition in wanted
        )
        scores[name] = max(score, scores.get(name, -9.0))
    expected = sorted(scores.items(), key=lambda pair: -pair[1])
    expected = [pair for pair in expected if pair[0] not in ("t003", "t005", "t007")][:6]
    hits = index.search(asked, k=6)
    assert [hit.track["id"] for hit in hits] == [name for name, _ in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_in_python_by_a_second(index):
    searcher = Searcher(index)
    hits = searcher.search("t003", at=1.0, weights={"tempo": 1}, k=2)
    assert hits.hits == tuple(index.search(by_stretch(index, "t003", 1.0)[0], {"tempo": 1}, 2))
    assert "section" in str(hits).splitlines()[0] and "stretches" in repr(searcher)
    with pytest.raises(UserError, match="give one of them"):
        searcher.search("t003", at=1.0, window="0-3")


def test_rules_are_of_songs(index, windows):
    query = by_embedding(windows["t005"][0], CONDITIONS)
    by = Rules(filters=[parse_filter("genre=jazz")], exclude=["t005"], most_per_artist=2)
    hits = index.search(query, WEIGHTS, COUNT, by)
    artists = [hit.track["artist"] for hit in hits]
    assert all("jazz" in hit.track["genre"] and hit.track["id"] != "t005" for hit in hits)
    assert hits and max(map(artists.count, artists)) == 2
    allowed = {row["id"] for row in rows(COUNT) if "jazz" in row["genre"]} - {"t005"}
    best = next(best for best in best_by_song(windows, windows["t005"][0], WEIGHTS) if best[1] in allowed)
    assert hits[0].track["id"] == best[1]
    assert index.search(query, k=5, rules=Rules(filters=[parse_filter("id=none")])) == []


def test_codes_find_the_same(index, windows, monkeypatch):
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 20)
    coded = prepared(index, exact_up_to=30)
    assert coded.stretches.coarse.codes.ntotal == len(index.stretches) and coded.coarse.codes.ntotal == COUNT
    assert describe(coded).startswith(f"{len(index.stretches)} stretches, ") and "candidates" in describe(coded)
    for name in list(windows)[:5]:
        query = by_tracks(index, [name])
        assert coded.search(query, WEIGHTS, 10) == index.search(query, WEIGHTS, 10)


def test_files(index, tmp_path, monkeypatch):
    index.save(tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    query = by_tracks(index, ["t001"])
    assert loaded.search(query) == index.search(query) and "stretches" in describe(loaded)
    index.of_whole_songs().save(tmp_path / "songs")
    assert sorted(path.name for path in (tmp_path / "songs").iterdir()) == [
        "index.json",
        "lengths.npy",
        "tracks.csv",
        "vectors.npy",
    ]
    assert "stretches" not in json.loads((tmp_path / "songs" / "index.json").read_text())
    prepared(index, exact_up_to=30).save(tmp_path / "coded")
    assert Index.load(tmp_path / "coded").stretches.coarse.codes.ntotal == len(index.stretches)


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: dataclasses.replace(s, songs=s.songs[::-1].copy()),
        lambda s: dataclasses.replace(s, songs=np.minimum(s.songs, COUNT - 2)),  # none of the last song
        lambda s: dataclasses.replace(s, times=s.times[:-1]),
        lambda s: dataclasses.replace(s, vectors=s.vectors[:, :-1].copy()),
        lambda s: dataclasses.replace(s, lengths=s.lengths[:-1]),
        lambda s: dataclasses.replace(s, songs=s.songs.astype(np.int64)),
    ],
)
def test_files_that_do_not_belong_together_are_refused(index, tmp_path, damage):
    dataclasses.replace(index, stretches=damage(index.stretches)).save(tmp_path / "index")
    with pytest.raises(UserError, match=r"index: the index cannot be read .* do not belong together"):
        Index.load(tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "stretches")
    with pytest.raises(UserError, match="no search index here"):
        Index.load(tmp_path / "index")


def test_songs_come_in_any_order(index, windows):
    songs = [(index.position(name), song) for name, song in reversed(windows.items())]
    other = Stretches.build(songs, CONDITIONS, SECONDS, LEAST_COSINE)
    for field in ("vectors", "lengths", "songs", "times"):
        np.testing.assert_array_equal(getattr(other, field), getattr(index.stretches, field))
