"""What the API answers is what the index answers."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from dmml_tf.explore import maps as maps_module
from dmml_tf.explore.ask import Asker
from dmml_tf.explore.maps import Maps
from dmml_tf.explore.schemas import Search
from dmml_tf.explore.uploads import Sounds
from dmml_tf.search.query import by_embedding, by_tracks, mix, push_away
from dmml_tf.search.rules import NO_RULES
from tfrecords_tools.errors import UserError

NAMES = ["genre", "tempo", "whole"]
WEIGHTS = {"genre": 1.0, "tempo": 0.5}
TOKEN = "0" * 32


@pytest.fixture()
def asker(songs, tmp_path):
    sounds = Sounds(songs.run)
    sounds._queries[TOKEN] = by_embedding(np.ones(10), songs.index.conditions)
    return Asker(songs, Maps(songs.index, tmp_path), sounds)


def found(asker, **asked) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in asker.search(Search(**{"weights": WEIGHTS, **asked})).hits]


def expected(index, query, weights=WEIGHTS, count=10, rules=NO_RULES) -> list[tuple[str, float]]:
    return [(hit.track["id"], hit.score) for hit in index.search(query, weights, count, rules)]


def test_one_song_is_the_index_search_by_it(asker):
    index = asker.songs.index
    query = by_tracks(index, ["t03"])
    assert found(asker, like=3) == found(asker, like="t03") == expected(index, query)
    whole = {"whole": 0.3}
    assert found(asker, like=3, weights=whole, count=4) == expected(index, query, whole, 4)
    assert found(asker, like=3, weights=None) == expected(index, query, None)


def test_parts_are_the_index_mix(asker):
    index = asker.songs.index
    a, b = by_tracks(index, ["t03"]), by_tracks(index, ["t09"])
    answer = found(asker, like=3, parts={"tempo": 9})
    assert answer == expected(index, mix(index, {"genre": a, "tempo": b, "whole": a}))
    assert not {"t03", "t09"} & {track_id for track_id, _ in answer}
    brute = index.vectors[:, :6] @ index.vectors[3, :6] + 0.5 * index.vectors[:, 6:] @ index.vectors[9, 6:]
    brute[[3, 9]] = -9
    assert [track_id for track_id, _ in answer] == [index.tracks[row]["id"] for row in np.argsort(-brute)[:10]]
    only = mix(index, {"tempo": b})
    assert found(asker, parts={"tempo": 9}, weights=None) == expected(index, only, {"tempo": 1.0})


def test_songs_that_are_not_wanted_push_away(asker):
    index = asker.songs.index
    query = push_away(index, by_tracks(index, ["t03"]), by_tracks(index, ["t05"]))
    assert found(asker, like=3, unlike=["t05"]) == expected(index, query)


def test_an_answer_says_why_and_where(asker):
    given = asker.search(Search(like=3, parts={"tempo": 9}, weights=WEIGHTS))
    given = json.loads(given.model_dump_json())
    for hit in given["hits"]:
        track = asker.songs.index.tracks[hit["row"]]
        assert hit["id"] == track["id"] and list(hit["cosines"]) == NAMES
        assert hit["near"] == [[[hit["row"], 1.0]]] * 3
        close = bool(track["tempo"]) and abs(float(track["tempo"]) - 69) <= 5
        assert hit["agrees"] == ["genre"] * (track["genre"] == "rock") + ["tempo"] * close
    assert [(by["song"], [places[0][0] for places in by["near"]]) for by in given["asked"]] == [
        (3, [3] * 3),
        (9, [9] * 3),
    ]
    assert any("genre" in hit["agrees"] for hit in given["hits"])
    assert any("tempo" not in hit["agrees"] for hit in given["hits"])


def test_results_that_the_sample_left_out_are_near_songs_of_it(asker, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "MAX_POINTS", 5)
    asker = Asker(asker.songs, Maps(asker.songs.index, tmp_path / "few"), asker.sounds)
    hits = asker.search(Search(like=3, count=23)).hits
    assert len(hits) == 23 and all(0 <= place < 5 for hit in hits for places in hit.near for place, _ in places)
    vectors = asker.songs.index.vectors
    for hit in hits:
        scores = vectors[asker.maps.rows, 6:] @ vectors[hit.row, 6:]
        assert abs(scores[hit.near[1][0][0]] - scores.max()) < 1e-6


def test_a_sound_agrees_with_nobody_since_it_has_no_labels(asker):
    hits = asker.search(Search(like=TOKEN, weights={"genre": 1, "tempo": 1})).hits
    assert len(hits) == 10 and all(hit.agrees == [] for hit in hits)


@pytest.mark.parametrize(
    "asked, message",
    [
        ({}, "nothing to search by"),
        ({"like": 24}, "no song 24; there are 24"),
        ({"like": 10**9}, "no song 1000000000"),
        ({"like": "t99"}, "no track 't99'"),
        ({"like": "f" * 32}, "no longer known"),
        ({"like": 3, "parts": {"mood": 1}}, "no condition 'mood'"),
        ({"like": 3, "unlike": ["t99"]}, "no track 't99'"),
        ({"like": 3, "weights": {"genre": 0}}, "no weight is above 0"),
        ({"like": 3, "weights": {"genre": float("nan")}}, "finite"),
        ({"like": 3, "filters": ["genre"]}, "not of the form"),
    ],
)
def test_what_cannot_be_asked_is_one_line(asker, asked, message):
    with pytest.raises(UserError, match=message) as error:
        asker.search(Search(**asked))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("like", [-1, 1.5, True, [], "x" * 1001])
def test_what_is_no_song_is_refused(like):
    with pytest.raises(ValidationError):
        Search(like=like)
