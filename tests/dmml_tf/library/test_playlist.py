"""Playlists against the definition of maximal marginal relevance, song by song over all songs."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.library import playlist as playlist_module
from dmml_tf.library.playlist import Listed, Taste, make_playlist
from dmml_tf.search import nearest
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Index
from dmml_tf.search.query import PUSH, by_embedding, by_tracks
from dmml_tf.search.recall import prepared
from dmml_tf.search.rules import Rules
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows
from tfrecords_tools.errors import UserError

WEIGHTS = {"mood": 1.0, "genre": 0.5}


def units(index: Index) -> dict[str, dict[str, np.ndarray]]:
    return {
        track["id"]: {name: index.vectors[row, index.slices[name]].astype(np.float64) for name in WEIGHTS}
        for row, track in enumerate(index.tracks)
    }


def mean_unit(vectors) -> np.ndarray:
    mean = np.mean(list(vectors), axis=0)
    return mean / max(np.linalg.norm(mean), 1e-6)


def by_definition(index, seeds, likes, dislikes, songs, variety, most_per_artist=None) -> list[str]:
    """Carbonell and Goldstein's formula, one song after another."""
    vectors, artist = units(index), {track["id"]: track["artist"] for track in index.tracks}
    asked = {name: mean_unit(vectors[song][name] for song in (*seeds, *likes)) for name in WEIGHTS}
    if dislikes:
        for name in WEIGHTS:
            asked[name] = asked[name] - PUSH * mean_unit(vectors[song][name] for song in dislikes)

    def alike(one: dict, other: dict) -> float:
        return sum(weight * float(one[name] @ other[name]) for name, weight in WEIGHTS.items()) / 1.5

    chosen: list[str] = []
    left = sorted(set(vectors) - {*seeds, *likes, *dislikes})
    while len(seeds) + len(chosen) < songs and left:
        named = [artist[song] for song in (*seeds, *chosen)]
        fit = [song for song in left if most_per_artist is None or named.count(artist[song]) < most_per_artist]
        if not fit:
            break
        values = [
            (1 - variety) * alike(asked, vectors[song])
            - variety * max((alike(vectors[song], vectors[other]) for other in chosen), default=0.0)
            for song in fit
        ]
        chosen.append(fit[int(np.argmax(values))])
        left.remove(chosen[-1])
    return [*seeds, *chosen]


def ids(listed) -> list[str]:
    return [song.track["id"] for song in listed]


def taste(index, seeds, likes=(), dislikes=()) -> Taste:
    return Taste(*([by_tracks(index, [song]) for song in songs] for songs in (seeds, likes, dislikes)))


@pytest.mark.parametrize("variety", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "asked", [(["t005"], [], []), (["t005", "t011"], ["t020"], ["t030", "t031"]), ([], ["t007"], [])]
)
def test_it_is_the_definition(asked, seed, variety):
    index = made_index(60, seed)
    for songs in (1 + len(asked[0]), 12, 60):
        listed = make_playlist(index, taste(index, *asked), songs, None, WEIGHTS, variety)
        assert ids(listed) == by_definition(index, *asked, songs, variety)
    if variety == 0 and asked == (["t005"], [], []):
        hits = index.search(by_tracks(index, ["t005"]), WEIGHTS, 11)
        assert ids(listed)[1:12] == [hit.track["id"] for hit in hits]
        assert [song.likeness for song in listed[1:12]] == pytest.approx([hit.score / 1.5 for hit in hits], abs=1e-5)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_limits_are_of_all_songs_and_the_seeds_count(most, monkeypatch):
    index = made_index(60)
    for candidates in (2048, 7):  # found round by round
        listed = make_playlist(index, taste(index, ["t005"]), 60, None, WEIGHTS, 0.0, Rules(most_per_artist=most))
        assert ids(listed) == by_definition(index, ["t005"], [], [], 60, 0.0, most) and len(listed) == 4 * most
        monkeypatch.setattr(playlist_module, "CANDIDATES", candidates)
    listed = make_playlist(index, taste(index, ["t005"]), 9, None, WEIGHTS, 0.4, Rules(most_per_artist=3))
    assert len(set(ids(listed))) == len(listed) == 9


def test_songs_pass_the_filters_and_seeds_need_not():
    index = made_index(60)
    listed = make_playlist(index, taste(index, ["t005"]), 12, rules=Rules([parse_filter("genre!=jazz")]))
    assert listed[0] == Listed(index.tracks[5], 1.0, 0.0)
    assert all(song.track["genre"] == "rock" for song in listed[1:]) and len(listed) == 12


def test_variety_makes_neighbours_less_alike():
    index = made_index(60)
    means = [
        np.mean([song.nearest for song in make_playlist(index, taste(index, ["t005"]), 12, None, WEIGHTS, variety)[2:]])
        for variety in (0.0, 0.3, 0.7)
    ]
    assert means[0] > means[1] > means[2]


def test_among_many_songs_candidates_are_found_coarsely(monkeypatch):
    pytest.importorskip("faiss")
    whole = made_index(600)
    expected = ids(make_playlist(whole, taste(whole, ["t005"]), 20, None, WEIGHTS, 0.2))
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 100)
    monkeypatch.setattr(playlist_module, "CANDIDATES", 200)
    index = prepared(whole, exact_up_to=100)
    assert index.coarse is not None
    found = ids(make_playlist(index, taste(index, ["t005"]), 20, None, WEIGHTS, 0.2))
    assert len(set(found)) == 20 and len(set(found) & set(expected)) >= 18


def timed(seconds: list[str]) -> Index:
    tracks = [{**row, "seconds": seconds[place % len(seconds)]} for place, row in enumerate(rows(40))]
    return Index.build(raw_vectors(40), CONDITIONS, tracks)


@pytest.mark.parametrize("minutes, songs", [(10, 10), (10.4, 10), (10.6, 11), (9.51, 10), (0.6, 1), (500, 40)])
def test_a_length_in_minutes_is_met_as_nearly_as_songs_allow(minutes, songs):
    index = timed(["60"])
    listed = make_playlist(index, Taste([], [by_tracks(index, ["t003"])]), None, minutes, WEIGHTS)
    assert len(listed) == min(songs, 39)


def test_songs_of_unknown_length_are_left_out_of_minutes():
    index = timed(["60", "", "x", "0"])
    listed = make_playlist(index, taste(index, ["t000"]), None, 500, WEIGHTS)
    assert all(song.track["seconds"] == "60" for song in listed[1:]) and len(listed) >= 10


def test_a_seed_may_be_a_sound_that_is_not_in_the_index():
    index, raw = made_index(40), raw_vectors(40)
    sound = by_embedding(raw[[row["id"] for row in rows(40)].index("t005")], CONDITIONS)
    listed = make_playlist(index, Taste([sound]), 10, None, WEIGHTS, rules=Rules(exclude=["t005"]))
    assert listed[0].track is None
    assert ids(listed[1:]) == ids(make_playlist(index, taste(index, ["t005"]), 10, None, WEIGHTS))[1:]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"songs": 0}, "songs is 0; a playlist has 1 to 1000"),
        ({"songs": 1}, "the 1 seeds alone fill 1 songs"),
        ({"songs": 3, "minutes": 5}, "in songs or in minutes, not both"),
        ({"minutes": 5}, "knows no lengths"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"variety": 1.5}, "variety is 1.5"),
        ({"weights": {"mod": 1}}, "no condition 'mod'"),
        ({"weights": {"mood": -1}}, "no|weight of 'mood' is -1"),
        ({"rules": Rules([parse_filter("gnre=x")])}, "no column 'gnre'"),
        ({"taste": Taste([])}, "no song to ask by"),
    ],
)
def test_bad_playlists(change, reason):
    index = made_index()
    with pytest.raises(UserError, match=reason):
        make_playlist(index, **{"taste": taste(index, ["t001"]), **change})


def test_copies_of_songs_before_are_passed_over():
    plain = made_index(60)
    first = ids(make_playlist(plain, taste(plain, ["t005"]), 10, None, WEIGHTS, 0.0))
    vectors = np.array(plain.vectors)
    for copy, song in {"t050": "t005", "t051": first[1], "t052": first[3]}.items():
        vectors[plain.position(copy)] = vectors[plain.position(song)] + 1e-4
    index = dataclasses.replace(plain, vectors=vectors)
    found = ids(make_playlist(index, taste(index, ["t005"]), 10, None, WEIGHTS, 0.0))
    assert len(found) == 10 and "t050" not in found
    assert len({"t051", first[1]} & {*found}) == 1 and len({"t052", first[3]} & {*found}) == 1
