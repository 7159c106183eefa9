"""The file of votes: added to and never written over, one server at a time, whole lines or none."""

import csv
import os

import pytest

from dmml_tf.judge.votes_file import COLUMNS, VotesFile
from tests.dmml_tf.data.judgements.made_votes import vote_row
from tfrecords_tools.errors import UserError


def vote(listener="k1", repeat_of="", song="x") -> dict:
    row = vote_row(0, (song, "y", "z"), "song1", listener, repeat_of=repeat_of)
    return {name: value for name, value in row.items() if name != "vote_id"}


def rows(path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "votes.csv"


def test_votes_are_added_to_what_is_there(path):
    with VotesFile(path) as votes:
        assert path.read_bytes() == b"" and votes.given("k1") == []
        votes.append(vote())
        # On the disk at once: nothing waits in a buffer.
        assert [row["vote_id"] for row in rows(path)] == ["1"]
        votes.append(vote("k2"))
    before = path.read_bytes()
    with VotesFile(path) as votes:
        votes.append(vote("k1", repeat_of="1", song='an "odd", one\u00e9'))
        given = [(one.vote_id, one.triplet_id, one.repeat) for one in votes.given("k1")]
    assert path.read_bytes().startswith(before) and len(rows(path)) == 3
    assert given == [("1", "x-y-z", False), ("3", 'an "odd", one\u00e9-y-z', True)]
    assert rows(path)[2]["anchor_id"] == 'an "odd", one\u00e9' and tuple(rows(path)[0]) == COLUMNS


def test_a_torn_line_is_cut_off_and_a_whole_one_without_its_end_is_kept(path):
    with VotesFile(path) as votes:
        votes.append(vote())
        votes.append(vote("k2"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with VotesFile(path) as votes:
        votes.append(vote("k3"))
    assert [row["listener"] for row in rows(path)] == ["k1", "k3"]
    path.write_bytes(whole[:-1])  # as an editor may leave it
    with VotesFile(path) as votes:
        votes.append(vote("k3"))
    assert [row["listener"] for row in rows(path)] == ["k1", "k2", "k3"]


def test_a_second_server_is_refused(path):
    with VotesFile(path), pytest.raises(UserError, match="votes.csv: another server takes votes into it now"):
        VotesFile(path)
    with VotesFile(path):
        pass


def test_a_file_of_other_columns_is_left_as_it_is(path):
    for content, message in (
        (b"song,stars\nx,5\n", r"other columns than votes have \(anchor_id"),
        (b"my notes", "no file of votes"),
        (b"\xff\xfe\n", "cannot be read"),
        ((",".join(COLUMNS) + "\n" + "a,b\n").encode(), "line 2 is no vote"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=message) as caught:
            VotesFile(path)
        assert path.read_bytes() == content and "\n" not in str(caught.value) and "--out" in str(caught.value)


def test_where_nothing_can_be_written(path, tmp_path):
    for where in (tmp_path, tmp_path / "none" / "votes.csv"):
        with pytest.raises(UserError, match=f"{where}: cannot be written .*--out"):
            VotesFile(where)


def test_a_full_disk_loses_one_vote_and_no_other(path, monkeypatch):
    with VotesFile(path) as votes:
        votes.append(vote())
        real, left = os.write, [20]

        def full(file, content):
            if not left[0]:
                raise OSError(28, "No space left on device")
            written = real(file, bytes(content)[: left[0]])
            left[0] -= written
            return written

        monkeypatch.setattr("dmml_tf.judge.votes_file.os.write", full)
        with pytest.raises(UserError, match="the vote cannot be written .No space left"):
            votes.append(vote("k2"))
        left[0] = 10**6
        votes.append(vote("k3"))
    assert [row["listener"] for row in rows(path)] == ["k1", "k3"]


def test_a_file_that_was_replaced_takes_no_vote(path):
    with VotesFile(path) as votes:
        votes.append(vote())
        path.rename(path.with_suffix(".old"))
        with pytest.raises(UserError, match="moved, deleted or replaced"):
            votes.append(vote("k2"))
        path.write_text("")
        with pytest.raises(UserError, match="moved, deleted or replaced"):
            votes.append(vote("k2"))
