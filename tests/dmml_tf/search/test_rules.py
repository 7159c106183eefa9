"""What may be among results, against brute force over the whole ranking."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.search import nearest
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_tracks
from dmml_tf.search.recall import prepared
from dmml_tf.search.rules import Limits, Rules, album, artists, by_artists, chances, of_albums
from dmml_tf.search.track_table import TrackTable
from tests.dmml_tf.search.made import CONDITIONS, raw_vectors
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of

WEIGHTS = {"genre": 0.5, "tempo": -0.7, "whole": 1.0}


def library(count: int = 90, seed: int = 0) -> Index:
    """Made tracks with the columns of a library: few artists, two on some, albums in folders; some cells empty."""
    rng = np.random.default_rng(seed)
    tracks = []
    for place in range(count):
        first, second = rng.integers(0, 6, 2)
        artist = ("", f"Ann {first}", f"ANN {first}|Bob {second}")[rng.integers(3)]
        title = ("", "Hits", "hits", f"Album {first}")[rng.integers(4)]
        folder = ("", f"Ann {first}/Hits/", f"Ann {first}/Hits/CD {second}/")[rng.integers(3)]
        tracks.append({"id": f"{folder}{place:03d}", "title": "", "artist": artist, "split": "", "album": title})
    return Index.build(raw_vectors(count, seed), CONDITIONS, tracks)


def same_album(one: dict, other: dict) -> bool:
    """The definition, pair by pair."""
    folders = []
    for track in (one, other):
        parts = track["id"].split("/")[:-1]
        folders.append(parts[:-1] if parts and parts[-1].startswith("CD ") else parts)
    if not one["album"] or one["album"].casefold() != other["album"].casefold() or folders[0] != folders[1]:
        return False
    return bool(folders[0]) or names(one) == names(other)


def names(track: dict) -> set[str]:
    return {name.casefold() for name in artists_of(track["artist"])}


def picked(hits, k: int, most_per_artist: int | None, most_per_album: int | None) -> list[str]:
    """Down the whole ranking, one by one."""
    taken: list[dict] = []
    for hit in hits:
        artist = max((sum(name in names(track) for track in taken) for name in names(hit.track)), default=0)
        of_album = sum(same_album(hit.track, track) for track in taken)
        if artist < (most_per_artist or 10**9) and of_album < (most_per_album or 10**9):
            taken.append(hit.track)
    return [track["id"] for track in taken[:k]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limits", [(1, None), (None, 1), (2, 1), (1, 3), (3, None)])
def test_limits_are_those_of_a_walk_down_the_ranking(limits, seed):
    index = library(seed=seed)
    query, rules = by_tracks(index, [index.tracks[7]["id"]]), Rules(most_per_artist=limits[0], most_per_album=limits[1])
    ranking = index.search(query, WEIGHTS, 90)
    for k in (1, 5, 20, 90):
        assert [hit.track["id"] for hit in index.search(query, WEIGHTS, k, rules)] == picked(ranking, k, *limits)


def test_limits_hold_where_candidates_are_coarse(monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 100)
    index = prepared(library(600), exact_up_to=100)
    assert index.coarse is not None
    query = by_tracks(index, [index.tracks[7]["id"]])
    ranking = dataclasses.replace(index, coarse=None).search(query, WEIGHTS, 600)
    hits = index.search(query, WEIGHTS, 30, Rules(most_per_artist=2, most_per_album=1))
    assert [hit.track["id"] for hit in hits] == picked(ranking, 30, 2, 1)


@pytest.mark.parametrize("seed", range(3))
def test_not_its_album_and_not_its_artist(seed):
    index = library(seed=seed)
    ranking = index.search(by_tracks(index, [index.tracks[0]["id"]]), WEIGHTS, 90)
    for row in range(0, 90, 7):
        own = index.tracks[row]
        ranking = index.search(by_tracks(index, [own["id"]]), WEIGHTS, 90)
        other = index.search(by_tracks(index, [own["id"]]), WEIGHTS, 90, Rules(not_its_album=True))
        assert other == [hit for hit in ranking if not same_album(own, hit.track)]
        other = index.search(by_tracks(index, [own["id"]]), WEIGHTS, 90, Rules(not_its_artist=True))
        assert other == [hit for hit in ranking if not names(own) & names(hit.track)]


def test_of_several_artists_each_counts_and_an_unknown_one_is_nobodys():
    table = TrackTable.of(
        [{"id": str(place), "artist": name} for place, name in enumerate(("A|B", "b", "C", "c | a", ""))]
    )
    assert by_artists(table, artists(table, 0)).tolist() == [True, True, False, True, False]
    assert not by_artists(table, artists(table, 4)).any()
    limits = Limits(table, Rules(most_per_artist=1))
    assert [limits.take(row) for row in (0, 1, 3, 2, 4, 4)] == [True, False, False, True, True, True]
    assert limits.spent().tolist() == [True, True, True, True, False]


def test_albums_of_one_title_are_told_apart_by_folder_else_by_artist():
    ids = ["A/Hits/1", "A/Hits/CD2/2", "A/Hits/disc 1/3", "B/Hits/4", "A/Hits/x/5", "6", "7", "8", "9"]
    artist = ["A", "A", "A|C", "B", "A", "A", "a ", "B", ""]
    title = ["Hits", "hits ", "Hits", "Hits", "Hits", "Hits", "Hits", "Hits", ""]
    table = TrackTable.of([dict(zip(("id", "artist", "album"), cells)) for cells in zip(ids, artist, title)])
    assert np.flatnonzero(of_albums(table, {album(table, 0)})).tolist() == [0, 1, 2]
    assert np.flatnonzero(of_albums(table, {album(table, 5)})).tolist() == [5, 6]
    assert album(table, 8) == ()


def test_a_variation_is_the_search_without_a_random_share():
    index, ids = library(), library().table.ids
    query = by_tracks(index, [index.tracks[7]["id"]])
    ranking = [hit.track["id"] for hit in index.search(query, WEIGHTS, 90)]
    seen = set()
    for seed in range(5):
        kept = {name for name, chance in zip(ids, chances(ids, seed)) if chance >= 0.3}
        found = [hit.track["id"] for hit in index.search(query, WEIGHTS, 20, Rules(vary=0.3, seed=seed))]
        assert found == [name for name in ranking if name in kept][:20]
        seen.add(tuple(found))
    assert (
        len(seen) == 5 and [hit.track["id"] for hit in index.search(query, WEIGHTS, 20, Rules(seed=3))] == ranking[:20]
    )


def test_chances_are_even_independent_and_each_ids_own():
    ids = [f"{number:08d}" for number in range(20_000)]
    first, second = chances(ids, 0), chances(ids, 1)
    assert np.abs(np.histogram(first, 10, (0, 1))[0] / 2000 - 1).max() < 0.1
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03 and abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
    both = np.mean((first < 0.2) & (second < 0.2))
    assert abs(both - 0.04) < 0.01
    assert chances(ids[7:9], 1).tolist() == second[7:9].tolist()
    assert chances(["Caf\u00e9/\u2603"], 5).tolist() == chances(["Caf\u00e9/\u2603", "x"], 5)[:1].tolist()


@pytest.mark.parametrize(
    "rules, reason",
    [
        ({"most_per_artist": 0}, "most_per_artist is 0; allow at least 1"),
        ({"most_per_album": -1}, "most_per_album is -1"),
        ({"vary": 1.0}, "vary is 1.0; give a share"),
        ({"vary": float("nan")}, "vary is nan"),
        ({"filters": [parse_filter("gnre=x")]}, "no column 'gnre'"),
        ({"not_its_album": True}, "no column 'album'"),
        ({"most_per_album": 1}, "no column 'album'"),
    ],
)
def test_bad_rules(rules, reason):
    tracks = [{"id": str(place), "artist": "x"} for place in range(5)]
    index = Index.build(raw_vectors(5), CONDITIONS, tracks)
    with pytest.raises(UserError, match=reason):
        index.search(by_tracks(index, ["1"]), None, 3, Rules(**rules))
