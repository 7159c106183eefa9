"""What people and programs get to read."""

import json

import numpy as np

from dmml_tf.heard.said import Said
from dmml_tf.search.index import Hit, Index
from dmml_tf.search.query import by_tracks, mix
from dmml_tf.search.show import as_json, describe, seems_copy, table
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows


def hit(**changes) -> Hit:
    track = {"id": "a1", "title": "Song", "artist": "Someone", "split": "test", "genre": "folk|jazz", "tempo": "90"}
    return Hit({**track, **changes}, 1.23456, {"genre": -0.5, "tempo": 1.0})


def test_table():
    assert table([hit(), hit(id="b22", title="Longer song", genre="")]).splitlines() == [
        "#  id   title        artist   genre      tempo  score  cos(genre)  cos(tempo)",
        "1  a1   Song         Someone  folk|jazz  90     1.235      -0.500       1.000",
        "2  b22  Longer song  Someone             90     1.235      -0.500       1.000",
    ]
    assert table([]) == "no other track to find"


def test_long_and_wide_text_keeps_the_columns_apart():
    texts = ["x" * 500, "音楽" * 40, "e\u0301" * 30, "ok"]
    lines = table([hit(title=text) for text in texts]).splitlines()
    assert "x" * 27 + "…" in lines[1] and "x" * 28 not in lines[1]
    assert "音楽" * 6 + "音…" in lines[2]
    ends = {line.index("Someone") for line in (lines[1], lines[4])}
    assert len(ends) == 1


def test_ids_are_never_cut():
    assert "i" * 80 in table([hit(id="i" * 80)])


def test_control_characters_do_not_reach_the_terminal():
    evil = "\x1b[2J\r\n\x00\u202egnp"
    for text in (table([hit(title=evil, id=evil, genre=evil)]).replace("\n", ""), describe(hit(artist=evil).track)):
        assert text.isprintable()


def test_describe():
    assert describe(hit().track) == "a1: Song, Someone (genre folk|jazz, tempo 90)"
    assert describe(hit(genre="", tempo="").track) == "a1: Song, Someone (no labels)"


def test_a_copy_of_what_was_asked_by_is_told():
    vectors, tracks = raw_vectors(6), rows(6)
    vectors[4] = vectors[1] * np.float32(1.7)
    vectors[5] = vectors[1] * np.float32(1.001)
    vectors[5, 0] += 0.1
    index = Index.build(vectors, CONDITIONS, tracks)
    hits = index.search(by_tracks(index, [tracks[1]["id"]]), k=3)
    assert [hit.track["id"] for hit in hits[:2]] == [tracks[4]["id"], tracks[5]["id"]]
    assert [seems_copy(hit) for hit in hits] == [row["seems_copy"] for row in as_json(hits)] == [True, False, False]
    assert table(hits).splitlines()[4:] == ["#1: as what was asked by in every sub-space; a copy?"]
    assert len(table(hits[1:]).splitlines()) == 3
    asked_of_one = index.search(mix(index, {"tempo": by_tracks(index, [tracks[1]["id"]])}), k=1)
    assert not seems_copy(asked_of_one[0])


def test_json_holds_what_was_found():
    index = made_index()
    hits = index.search(by_tracks(index, ["t005"]), k=3)
    read = json.loads(json.dumps(as_json(hits), allow_nan=False))
    assert [row["rank"] for row in read] == [1, 2, 3]
    for row, found in zip(read, hits):
        assert row["id"] == found.track["id"] and row["score"] == found.score and row["cosines"] == found.cosines
        assert row["labels"] == {name: found.track[name] for name in ("genre", "mood", "tempo")}


def test_what_is_heard_is_marked_as_heard():
    heard = {"genre": [Said("folk", 0.62), Said("pop", 0.3)], "tempo": [Said(96.0, 0.7)]}
    blank = Hit(hit(genre="", tempo="").track, 1.0, {"genre": 0.5}, heard)
    assert table([blank]).splitlines() == [
        "#  id  title  artist   heard as              score  cos(genre)",
        "1  a1  Song   Someone  folk .6, tempo 96 .7  1.000       0.500",
    ]
    assert describe(blank.track, heard) == "a1: Song, Someone (heard as folk .6, tempo 96 .7)"
    assert (
        describe(hit().track, heard) == "a1: Song, Someone (genre folk|jazz, tempo 90; heard as folk .6, tempo 96 .7)"
    )
    assert as_json([blank])[0]["heard_as"]["genre"][0] == {"label": "folk", "share": 0.62}
    assert "heard_as" not in as_json([hit()])[0] and "heard as" not in table([hit()])


def test_a_heard_tag_of_someone_elses_reaches_no_terminal():
    heard = {"genre": [Said("\x1b[2J\r\n" + "x" * 300, 0.9)]}
    text = table([Hit(hit().track, 1.0, {"genre": 0.5}, heard)])
    assert text.replace("\n", "").isprintable() and "x" * 61 not in text and len(text.splitlines()) == 2
    assert describe(hit().track, heard).isprintable()
