"""Filters on metadata: what they read, what they let through, and searches through them against brute force."""

import numpy as np
import pytest

from dmml_tf.search.filters import Filter, allowed_rows, other_artists, parse_filter
from dmml_tf.search.query import by_tracks
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
        allowed_rows(rows(3), [parse_filter("genr=x")])


def test_accents_may_be_encoded_either_way():
    index = [{"id": "a", "\u00e9poque": "Caf\u00e9"}]
    assert allowed_rows(index, [parse_filter("e\u0301poque=cafe\u0301")]).all()


def test_of_several_artists_each_counts():
    tracks = [{"artist": name} for name in ("A|B", "b", "C", "c | a", "")]
    assert other_artists(tracks, [0]).tolist() == [False, False, True, False, True]
    assert parse_filter("artist=B").allows("A|B")


def test_an_unknown_artist_is_nobodys():
    tracks = [{"artist": name} for name in ("", "A", "a", "B", "")]
    assert other_artists(tracks, [0]).all()
    assert other_artists(tracks, [0, 1]).tolist() == [True, False, False, True, True]


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
        found = index.search(query, weights, k, filters=filters, not_its_artist=not_its_artist)
        assert [hit.track for hit in found] == [hit.track for hit in expected[:k]]
        np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in expected[:k]], atol=1e-9)
