"""What the page shows is what the index answers."""

import json

import numpy as np
import pytest

from dmml_tf.explore import maps as maps_module
from dmml_tf.explore.ask import Asked, Slot, answer, search
from dmml_tf.explore.maps import Maps
from dmml_tf.search.query import by_embedding, by_tracks, mix
from dmml_tf.search.rules import Rules
from tfrecords_tools.errors import UserError

NAMES = ["genre", "tempo", "whole"]


def asked(library, a=3, b=None, **changes) -> Asked:
    slots = {side: Slot.of_row(library, row) for side, row in (("a", a), ("b", b)) if row is not None}
    return Asked(slots, **{"sides": "aaa", "weights": [1.0, 0.5, 0.0], **changes})


def test_one_song_is_the_index_search_by_it(library):
    expected = library.index.search(by_tracks(library.index, ["t03"]), {"genre": 1.0, "tempo": 0.5}, 10)
    assert search(library, asked(library)) == expected
    only = library.index.search(by_tracks(library.index, ["t03"]), {"whole": 0.3}, 4, Rules(not_its_artist=True))
    assert search(library, asked(library, weights=[0, 0, 0.3], count=4, not_its_artist=True)) == only


def test_two_songs_are_the_index_mix(library):
    index = library.index
    a, b = by_tracks(index, ["t03"]), by_tracks(index, ["t09"])
    expected = index.search(mix(index, {"genre": a, "tempo": b, "whole": a}), {"genre": 1.0, "tempo": 0.5}, 10)
    found = search(library, asked(library, b=9, sides="aba"))
    assert found == expected and not {"t03", "t09"} & {hit.track["id"] for hit in found}
    brute = index.vectors[:, :6] @ index.vectors[3, :6] + 0.5 * index.vectors[:, 6:] @ index.vectors[9, 6:]
    brute[[3, 9]] = -9
    assert [hit.track["id"] for hit in found] == [index.tracks[row]["id"] for row in np.argsort(-brute)[:10]]


def test_an_answer_says_why_and_where(library, tmp_path):
    given = answer(library, Maps(library.index, tmp_path), asked(library, b=9, sides="aba"))
    given = json.loads(json.dumps(given, allow_nan=False))
    for hit in given["hits"]:
        track = library.index.tracks[hit["row"]]
        assert hit["id"] == track["id"] and list(hit["cosines"]) == NAMES and hit["near"] == [hit["row"]] * 3
        close = bool(track["tempo"]) and abs(float(track["tempo"]) - 69) <= 5
        assert hit["agrees"] == ["genre"] * (track["genre"] == "rock") + ["tempo"] * close
    assert given["slots"] == {"a": [3] * 3, "b": [9] * 3}
    assert any("genre" in hit["agrees"] for hit in given["hits"])
    assert any("tempo" not in hit["agrees"] for hit in given["hits"])


def test_results_that_the_sample_left_out_are_near_a_track_of_it(library, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "MAX_POINTS", 5)
    maps = Maps(library.index, tmp_path)
    hits = answer(library, maps, asked(library, count=23))["hits"]
    assert len(hits) == 23 and all(0 <= place < 5 for hit in hits for place in hit["near"])
    for hit in hits:
        scores = library.index.vectors[maps.rows, 6:] @ library.index.vectors[hit["row"], 6:]
        assert abs(scores[hit["near"][1]] - scores.max()) < 1e-6


def test_a_sound_agrees_with_nobody_since_it_has_no_labels(library, tmp_path):
    query = by_embedding(np.ones(10), library.index.conditions)
    given = answer(library, Maps(library.index, tmp_path), Asked({"a": Slot(query)}, "aaa", [1, 1, 0]))
    assert len(given["hits"]) == 10 and all(hit["agrees"] == [] for hit in given["hits"])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"weights": [1.0]}, "1 weights for 3 conditions: genre, tempo, whole"),
        ({"sides": "aaaa"}, "4 sides"),
        ({"sides": "aab"}, "no song in slot B"),
        ({"sides": ["a", "a", "x"]}, "slot X"),
        ({"weights": [0, 0, 0]}, "no weight is above 0"),
        ({"weights": [1, float("nan"), 0]}, "finite"),
        ({"count": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_asked_is_one_line(library, changes, message):
    with pytest.raises(UserError, match=message) as error:
        search(library, asked(library, **changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("row", [-1, 24, 10**9])
def test_a_row_that_is_not_there(library, row):
    with pytest.raises(UserError, match=f"no song {row}; there are 24"):
        asked(library, a=row)
