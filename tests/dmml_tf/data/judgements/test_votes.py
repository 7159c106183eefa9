"""Votes of many listeners, a row each: added up a triplet, repeats counted for nobody, every wrong cell named."""

import csv

import pytest

from dmml_tf.data.judgements.read import read_dim_sim
from dmml_tf.data.judgements.votes import DIM_SIM, FURTHER, Clip, read_votes
from tests.dmml_tf.data.judgements.made_judgements import COLUMNS, dim_sim_row, write_csv, write_json
from tests.dmml_tf.data.judgements.made_votes import vote_row
from tfrecords_tools.errors import UserError

SONGS = ("x", "y", "z")
ROWS = [
    vote_row(1, SONGS, "song1", listener="k1"),
    vote_row(2, SONGS, "song1", listener="k2", side="B"),
    vote_row(3, SONGS, "song2", listener="k3"),
    vote_row(4, SONGS, "song2", listener="k3", repeat_of=3),
    vote_row(5, ("x", "y", "w"), "same", listener="k1", why="disagreeing", likely=5.5),
    vote_row(6, ("x", "y", "w"), "song2", listener="k2", why="disagreeing", likely=5.5),
    vote_row(7, ("x", "y", "w"), "neither", listener="k3", why="disagreeing", likely=5.5),
]


def test_the_columns_are_dim_sims_and_more():
    assert DIM_SIM == COLUMNS and tuple(ROWS[0]) == DIM_SIM + FURTHER


def test_single_votes_are_added_up_and_repeats_are_not(tmp_path):
    for path in (write_csv(tmp_path / "v.csv", ROWS), write_json(tmp_path / "v.json", ROWS, "columns")):
        votes = read_votes(path)
        assert [asked.counts for asked in votes.asked] == [(2, 1, 0, 0), (0, 1, 1, 1)]
        assert votes.asked[0].clips == tuple(Clip(song, 1.5, 3.0) for song in SONGS)
        assert [(asked.why, asked.times_as_likely) for asked in votes.asked] == [("random", 1), ("disagreeing", 5.5)]
        assert [answer.repeat_of for answer in votes.answers] == [None, None, None, 2, None, None, None]
        assert [answer.song1_at_a for answer in votes.answers[:2]] == [True, False]
        assert [answer.asked for answer in votes.answers] == [0, 0, 0, 0, 1, 1, 1]


def test_the_reader_of_dim_sim_takes_single_votes_as_a_file_of_counts(tmp_path):
    counts = [dim_sim_row(1, SONGS, (2, 1))]
    single, published = write_csv(tmp_path / "v.csv", ROWS), write_csv(tmp_path / "counts.csv", counts)
    for agreement in (0.5, 0.66):
        found = [
            [tuple(clip.song for clip in three) for three in read_dim_sim(path, agreement).triplets]
            for path in (single, published)
        ]
        assert found == [[("x", "y", "z")]] * 2
    assert not read_dim_sim(single, 0.7).triplets and not read_dim_sim(published, 0.7).triplets
    # Of three who heard the other triplet only one told the songs apart: no majority of a half.
    assert len(read_dim_sim(single, 1 / 3).triplets) == 2 and read_dim_sim(single, 0.5).left_out == 1
    votes = read_votes(published)
    assert votes.answers == () and votes.asked[0].counts == (2, 1, 0, 0)


def test_both_kinds_of_rows_in_one_file(tmp_path):
    rows = [dim_sim_row(1, SONGS, (5, 2)), dim_sim_row(1, SONGS, (1, 0)), dim_sim_row(2, SONGS, (0, 1))]
    assert [a.counts[:2] for a in read_votes(write_csv(tmp_path / "c.csv", rows)).asked] == [(6, 2), (0, 1)]
    for row in rows:
        del row["triplet_id"]
    assert len(read_votes(write_csv(tmp_path / "c.csv", rows)).asked) == 3


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("answer", "left", "row 2: 'answer' is 'left'; it must be one of song1, song2, same, neither"),
        ("song1_side", "C", "row 2: 'song1_side' is 'C'"),
        ("repeat_of", "99", "row 2: 'repeat_of' is '99', and no row above has that 'vote_id'"),
        ("why_asked", "bored", "row 2: 'why_asked' is 'bored'; it must be one of random, disagreeing"),
        ("times_as_likely", "0", "row 2: 'times_as_likely' is 0"),
        ("listener", "", "row 2: 'listener' is missing"),
        ("song1_vote", "yes", "row 2: 'song1_vote' is 'yes'"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, field, value, message):
    path = write_csv(tmp_path / "v.csv", [ROWS[0], {**ROWS[4], field: value}])
    with pytest.raises(UserError, match=message) as error:
        read_votes(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_table_of_other_columns_is_refused(tmp_path):
    with (tmp_path / "other.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["song", "stars"], ["x", 5]])
    with pytest.raises(UserError, match="other.csv: row 1: 'anchor_id' is missing"):
        read_votes(tmp_path / "other.csv")
