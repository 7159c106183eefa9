"""Paths and playlists of the API are the library's own."""

import json

import pytest

from dmml_tf.explore.ask import Asker
from dmml_tf.explore.maps import Maps
from dmml_tf.explore.schemas import PathQuestion, PlaylistQuestion
from dmml_tf.explore.sequences import path_answer, playlist_answer
from dmml_tf.explore.uploads import Sounds
from dmml_tf.library.path import song_path
from dmml_tf.library.playlist import Taste, make_playlist
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.query import by_embedding, by_tracks
from dmml_tf.search.rules import Rules
from tests.dmml_tf.explore.client import question
from tfrecords_tools.errors import UserError

TOKEN = "0" * 32
WEIGHTS = {"genre": 1.0, "tempo": 0.5}


@pytest.fixture()
def asker(songs, tmp_path):
    sounds = Sounds(songs.run)
    sounds._queries[TOKEN] = by_embedding(range(10), songs.index.conditions)
    return Asker(songs, Maps(songs.index, tmp_path), sounds)


def test_a_path_is_the_librarys(asker):
    index = asker.songs.index
    given = path_answer(asker, PathQuestion(start=3, end="t09", steps=4, weights=WEIGHTS, filters=["genre=folk"]))
    ends = by_tracks(index, ["t03"]), by_tracks(index, ["t09"])
    expected = song_path(index, *ends, 4, WEIGHTS, (), Rules([parse_filter("genre=folk")]))
    assert [(stop.id, stop.step, stop.progress) for stop in given.songs] == [
        (stop.track["id"], stop.step, stop.progress) for stop in expected.stops
    ]
    assert (given.apart, given.largest, given.mean) == (expected.apart, expected.largest, expected.mean)
    assert [stop.rank for stop in given.songs] == [1, 2, 3, 4, 5] and given.songs[0].cosines == {}
    for before, stop in zip(given.songs, given.songs[1:]):
        same = set(before.labels["genre"].split("|")) & set(stop.labels["genre"].split("|"))
        assert ("genre" in stop.agrees) == bool(same) and set(stop.cosines) == {"genre", "tempo", "whole"}
    json.loads(given.model_dump_json())


def test_the_ends_of_a_path_may_be_files(asker):
    given = path_answer(asker, PathQuestion(start=TOKEN, end=9, steps=3, weights=WEIGHTS))
    assert [stop.rank for stop in given.songs] == [2, 3, 4] and given.songs[-1].id == "t09"
    assert [by.song for by in given.asked] == [TOKEN, 9]


def test_a_playlist_is_the_librarys(asker):
    index = asker.songs.index
    asked = PlaylistQuestion(seeds=[3, TOKEN], likes=["t04"], dislikes=[5], songs=7, weights=WEIGHTS, variety=0.4)
    given = playlist_answer(asker, asked)
    seeds = [by_tracks(index, ["t03"]), asker.sounds.query(TOKEN)]
    taste = Taste(seeds, [by_tracks(index, ["t04"])], [by_tracks(index, ["t05"])])
    expected = [listed for listed in make_playlist(index, taste, 7, None, WEIGHTS, 0.4) if listed.track is not None]
    assert [(song.id, song.likeness, song.nearest) for song in given.songs] == [
        (listed.track["id"], listed.likeness, listed.nearest) for listed in expected
    ]
    assert [song.rank for song in given.songs] == [1, 3, 4, 5, 6, 7]
    for song in given.songs[1:]:  # what the bars show is what was weighed
        mean = (song.cosines["genre"] + 0.5 * song.cosines["tempo"]) / 1.5
        assert mean == pytest.approx(song.likeness, abs=0.2)


@pytest.mark.parametrize(
    "name, asked, status",
    [
        ("path", {"start": 3}, 422),
        ("path", {"start": 3, "end": 3}, 400),
        ("path", {"start": 3, "end": 99}, 400),
        ("path", {"start": 3, "end": 9, "steps": 0}, 422),
        ("path", {"start": 3, "end": 9, "steps": 60}, 400),
        ("path", {"start": 3, "end": 9, "keep": ["mood"]}, 400),
        ("path", {"start": 3, "end": 9, "weights": {"genre": -1}}, 400),
        ("playlist", {}, 400),
        ("playlist", {"seeds": [99]}, 400),
        ("playlist", {"seeds": [3], "songs": 0}, 422),
        ("playlist", {"seeds": [3], "minutes": 5}, 400),
        ("playlist", {"seeds": [3], "variety": 1.5}, 422),
        ("playlist", {"seeds": [3], "variety": float("nan")}, 422),
    ],
)
def test_what_cannot_be_made_is_one_line(address, name, asked, status):
    found, answer = question(address, name, **asked)
    assert found == status and list(answer) == ["error"] and answer["error"] and "\n" not in answer["error"]


def test_a_file_that_is_forgotten_is_said(asker):
    with pytest.raises(UserError, match="no longer known"):
        path_answer(asker, PathQuestion(start="f" * 32, end=3))
