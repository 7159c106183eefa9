"""Metadata by column: the same rows as the dictionaries, through a file too, and the rows of ids."""

import numpy as np
import pytest

from dmml_tf.search.index import Index
from dmml_tf.search.track_table import TrackTable, write_tracks
from tests.dmml_tf.search.made import CONDITIONS, raw_vectors, rows
from tfrecords_tools.errors import UserError

ODD = ["", "a,b", 'say "x"', "two\nlines", "\r", " blank ", "NA", "null", "007", "1e5", "☃ é|ü", "true", "'", "nan"]


def odd_rows() -> list[dict[str, str]]:
    return [{"id": f"{place:02d}/{cell}", "title": cell, "artist": ODD[-place]} for place, cell in enumerate(ODD)]


def test_rows_are_the_dictionaries(tmp_path):
    tracks = odd_rows()
    table = TrackTable.of(tracks)
    write_tracks(tmp_path / "tracks.csv", table)
    read = TrackTable.read(tmp_path / "tracks.csv")
    for made in (table, read):
        assert list(made) == tracks and made == tracks and made != tracks[:-1] and len(made) == len(tracks)
        assert made[3] == tracks[3] and made[-1] == tracks[-1] and made[np.int64(2)] == tracks[2]
        assert made[4:8:2] == tracks[4:8:2] and made.cell(2, "title") == tracks[2]["title"]
        assert made.ids == [track["id"] for track in tracks]
    with pytest.raises(IndexError):
        read[len(tracks)]


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_ids_whatever_their_order(order):
    names = sorted(["B.mp3", "b.mp3", "Caf\u00e9.mp3", "\U0001f3b5", "\uff5e", "a"])[::order]
    table = TrackTable.of([{"id": name} for name in names])
    assert table.ascending == (order == 1) and table.unique
    assert [table.row(name) for name in names] == list(range(len(names)))
    assert table.row("Cafe\u0301.mp3") == names.index("Caf\u00e9.mp3") and table.row("") is None
    assert table.row("\U0001f3b6") is None
    with pytest.raises(UserError, match=r"ids like it: B\.mp3, b\.mp3; all of its 6"):
        table.position("B.mp4")
    assert not TrackTable.of([{"id": "b"}, {"id": "a"}, {"id": "b"}]).unique


def test_a_question_is_asked_of_each_distinct_cell_once():
    tracks = [{"id": f"{place:03d}", "genre": ("jazz", "rock", "")[place % 3]} for place in range(99)]
    asked: list[str] = []

    def test(cell: str) -> bool:
        asked.append(cell)
        return cell == "rock"

    table = TrackTable.of(tracks)
    assert table.where("genre", test).tolist() == [track["genre"] == "rock" for track in tracks]
    assert sorted(asked) == ["", "jazz", "rock"]
    assert table.where("id", "050".__lt__).sum() == 48


def test_a_damaged_table_is_told(tmp_path):
    index = Index.build(raw_vectors(9), CONDITIONS, rows(9))
    index.save(tmp_path / "index")
    path = tmp_path / "index" / "tracks.csv"
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"id\n",
        whole[:-30],
        whole + b"x\n",
        whole.replace(b"t001", b"t000"),
        whole.replace(b"S", b"\xff"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="the index cannot be read"):
            Index.load(tmp_path / "index")
    path.write_bytes(whole)
    assert Index.load(tmp_path / "index").tracks == index.tracks
