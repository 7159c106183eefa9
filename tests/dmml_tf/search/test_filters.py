"""Filters on metadata: what they read, what they let through, and searches through them against brute force."""

import numpy as np
import pytest

from dmml_tf.search.filters import Filter, allowed_rows, parse_filter
from dmml_tf.search.query import by_tracks
from dmml_tf.search.rules import Rules
from dmml_tf.search.track_table import TrackTable
from tests.dmml_tf.search.made import made_index, rows
from tfrecords_tools.errors import UserError


@pytest.mark.parametrize(
    "text, expected",
    [
        ("artist=Nina = Simone", Filter("artist", "Nina = Simone")),
        ("tempo=90..120", Filter("tempo", low=90, high=120)),
        (" tempo = 90.5 .. ", Filter("tempo", low=90.5)),
        ("tempo=..120", Filter("tempo", high=120)),
        ("title=wait..what", Filter("title", "wait..what")),
        ("title=..", Filter("title", "..")),
        ("tempo=nan..3", Filter("tempo", "nan..3")),
        ("genre!=jazz", Filter("genre", "jazz", unless=True)),
        ("genre != Jazz = Funk", Filter("genre", "Jazz = Funk", unless=True)),
        ("year!=1990..1999", Filter("year", low=1990, high=1999, unless=True)),
        ("path!=Live/*", Filter("path", "Live/*", unless=True)),
        ("path=1..2", Filter("path", "1..2")),
    ],
)
def test_parse(text, expected):
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    "text, reason",
    [
        ("artist", "COLUMN=TEXT"),
        ("=x", "COLUMN=TEXT"),
        ("artist=", "COLUMN=TEXT"),
        ("", "COLUMN=TEXT"),
        ("!=x", "COLUMN=TEXT"),
        ("genre!=", "COLUMN=TEXT"),
        ("tempo=120..90", "120 is above 90"),
    ],
)
def test_parse_refuses(text, reason):
    with pytest.raises(UserError, match=reason):
        parse_filter(text)


def test_what_is_let_through():
    tags = parse_filter("genre=JAZZ")
    assert [tags.allows(cell) for cell in ("folk|Jazz", "jazz", "jazzy", "")] == [True, True, False, False]
    bpm = parse_filter("tempo=90..120")
    assert [bpm.allows(cell) for cell in ("90", "120.0", "89.99", "", "fast", "nan")] == [True] * 2 + [False] * 4
    assert [parse_filter("tempo=90").allows(cell) for cell in ("90", "91")] == [True, False]


def test_an_unknown_column_names_those_there_are():
    with pytest.raises(UserError, match="no column 'genr' .*do you mean genre.*: id, title, artist, split, genre"):
        allowed_rows(TrackTable.of(rows(3)), [parse_filter("genr=x")])


def test_accents_may_be_encoded_either_way():
    index = [{"id": "a", "\u00e9poque": "Caf\u00e9"}]
    assert allowed_rows(TrackTable.of(index), [parse_filter("e\u0301poque=cafe\u0301")]).all()


def test_a_negative_filter_leaves_out_what_the_filter_allows_and_nothing_else():
    cells = ["folk|Jazz", "jazz", "jazzy", "", "rock"]
    table = TrackTable.of([{"id": str(place), "genre": cell, "year": "1990"} for place, cell in enumerate(cells)])
    assert allowed_rows(table, [parse_filter("genre!=jazz")]).tolist() == [False, False, True, True, True]
    for text in ("genre{}=jazz", "year{}=1980..1989", "path{}=1*", "id{}=3"):
        allowed, left = (allowed_rows(table, [parse_filter(text.format(sign))]) for sign in ("", "!"))
        assert (allowed != left).all()


def test_a_path_is_the_id_by_a_pattern():
    ids = ["Live/a/1.mp3", "live/2.mp3", "Alive/3.mp3", "B/[1997] OK/4.mp3", "B/5.mp3", "B/x\n6.mp3", "Caf\u00e9/7.mp3"]
    table = TrackTable.of([{"id": name} for name in ids])
    for pattern, expected in {
        "Live/*": [0, 1],
        "*/[1997] ok/*": [3],
        "b/?.mp3": [4],
        "B/*": [3, 4, 5],
        "Cafe\u0301/*": [6],
        "B": [],
        "*.mp3": range(7),
        "B/x.*": [],
    }.items():
        assert np.flatnonzero(allowed_rows(table, [parse_filter(f"path={pattern}")])).tolist() == list(expected)
    own = TrackTable.of([{"id": "a", "path": "x/1"}, {"id": "b", "path": "y/1"}])
    assert allowed_rows(own, [parse_filter("path=x/*")]).tolist() == [True, False]


def test_of_several_artists_each_can_be_asked_for():
    assert parse_filter("artist=B").allows("A|B")


@pytest.mark.parametrize(
    "texts", [["artist=artist 1"], ["tempo=70..80", "genre=jazz"], ["tempo=1000.."], ["split=test"]]
)
@pytest.mark.parametrize("not_its_artist", [False, True])
def test_a_filtered_search_is_the_search_filtered_afterwards(texts, not_its_artist):
    index, filters = made_index(), [parse_filter(text) for text in texts]
    query, weights = by_tracks(index, ["t004"]), {"genre": 0.5, "tempo": -0.7, "whole": 1.0}
    own = index.tracks[index.position("t004")]["artist"]
    expected = [
        hit
        for hit in index.search(query, weights, 40)
        if all(one.allows(hit.track[one.column]) for one in filters)
        and not (not_its_artist and hit.track["artist"] == own)
    ]
    for k in (3, 40):
        found = index.search(query, weights, k, Rules(filters, not_its_artist=not_its_artist))
        assert [hit.track for hit in found] == [hit.track for hit in expected[:k]]
        np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in expected[:k]], atol=1e-9)
