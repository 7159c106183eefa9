"""Reading people's judgements: every published form, every damaged field."""

import pytest

from dmml_tf.data.judgements.read import read_dim_sim, read_odd_one_out
from dmml_tf.data.judgements.votes import Clip
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, odd_row, write_csv, write_json
from tfrecords_tools.errors import UserError

RAW = [
    dim_sim_row(1, ("A", "B", "C"), (9, 1)),
    dim_sim_row(2, ("A", "B", "C"), (1, 9)),
    dim_sim_row(3, ("A", "B", "C"), (8, 2)),
    dim_sim_row(4, ("D", "E", "F"), (0, 5)),
    dim_sim_row(5, ("D", "E", "F"), (3, 3)),
    dim_sim_row(6, ("D", "E", "F"), (0, 0)),
]


def songs(judgements) -> list[str]:
    return ["".join(clip.song for clip in triplet) for triplet in judgements.triplets]


def forms(folder, rows):
    yield write_csv(folder / "table.csv", rows)
    for form in ("rows", "rows by name", "columns", "columns by number"):
        yield write_json(folder / f"{form}.json", rows, form)


def test_raw_votes_in_every_form(tmp_path):
    for path in forms(tmp_path, RAW):
        found = read_dim_sim(path)
        assert songs(found) == ["ABC", "ACB", "DFE"] and found.left_out == 3, path.name
        assert found.triplets[0][0] == Clip("A", 1.5, 3.0)


def test_songs_are_named_as_tracks_are(tmp_path):
    rows = [dim_sim_row(1, (" Cafe\u0301", "B", "C"), (9, 1))]
    for path in forms(tmp_path, rows):
        assert read_dim_sim(path).triplets[0][0].song == "Caf\u00e9", path.name


def test_clean_votes_are_zero_and_one(tmp_path):
    rows = [dim_sim_row(1, ("A", "B", "C"), (1, 0)), dim_sim_row(2, ("A", "B", "C"), (0, 1))]
    for path in forms(tmp_path, rows):
        found = read_dim_sim(path)
        assert songs(found) == ["ABC", "ACB"] and found.left_out == 0, path.name


def test_the_agreement_asked_for(tmp_path):
    path = write_csv(tmp_path / "raw.csv", RAW)
    assert songs(read_dim_sim(path, agreement=0.8)) == ["ABC", "ACB", "ABC", "DFE"]
    assert songs(read_dim_sim(path, agreement=0.0)) == ["ABC", "ACB", "ABC", "DFE"]  # a tie has no majority
    assert songs(read_dim_sim(path, agreement=1.0)) == ["DFE"]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_the_odd_one_out_gives_two_triplets(tmp_path, delimiter):
    rows = [odd_row((7, 8, 9), (1, 4, 0)), odd_row((7, 8, 9), (2, 2, 1)), odd_row((5, 6, 7), (0, 0, 1))]
    found = read_odd_one_out(write_csv(tmp_path / "comparisons_final.csv", rows, delimiter))
    assert songs(found) == ["798", "978", "567", "657"] and found.left_out == 1
    assert found.triplets[0][0] == Clip("7", file="f/7.mp3")
    assert songs(read_odd_one_out(tmp_path / "comparisons_final.csv", agreement=0.9)) == ["567", "657"]


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("song1_vote", "many", "row 2: 'song1_vote' is 'many'"),
        ("song2_vote", -1, "row 2: 'song2_vote' is '-1'"),
        ("song2_vote", "nan", "row 2: 'song2_vote' is 'nan'"),
        ("anchor_id", " ", "row 2: 'anchor_id' is missing"),
        ("clip_lengths_seconds", "", "row 2: 'clip_lengths_seconds' is missing"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, field, value, message):
    rows = [RAW[0], {**RAW[1], field: value}]
    for path in forms(tmp_path, rows):
        with pytest.raises(UserError, match=message) as error:
            read_dim_sim(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_missing_column_is_named(tmp_path):
    path = write_csv(tmp_path / "t.csv", [{"anchor_id": "A"}])
    with pytest.raises(UserError, match="row 1: 'anchor_start_seconds' is missing"):
        read_dim_sim(path)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("none.csv", None, "cannot be read"),
        ("a.json", b"{", "is no JSON"),
        ("a.json", b"3", "neither a list"),
        ("a.json", b'{"anchor_id": 3}', "neither a list"),
        ("a.json", b"[1]", "row 1 is no object"),
        ("a.csv", b"", "holds no judgement"),
        ("a.json", b"[]", "holds no judgement"),
        ("a.csv", b"\xff\xfe", "cannot be"),
    ],
)
def test_damaged_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_dim_sim(tmp_path / name)
