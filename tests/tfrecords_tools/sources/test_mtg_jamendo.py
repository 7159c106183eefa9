"""MTG-Jamendo on made files of its form: three files joined by track, splits from names, bad rows and tags named."""

import pytest

from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.manifest_out import Dropped, Track
from tfrecords_tools.sources.mtg_jamendo import read_mtg_jamendo
from tfrecords_tools.tables.manifest import read_manifest

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"


def _row(number: int, *tags: str, artist: int = 1) -> str:
    path = f"0{number}/{number}.mp3"
    return "\t".join([f"track_{number:07d}", f"artist_{artist:06d}", "album_1", path, "99.5", *tags])


def _write(folder, name: str, *rows: str):
    folder.mkdir(exist_ok=True)
    (folder / f"autotagging_{name}.tsv").write_bytes("".join(f"{row}\r\n" for row in (HEADER, *rows)).encode())


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "labels"
    _write(folder, "genre-train", _row(1, "genre---rock", "genre---pop"), _row(2, "genre---jazz", artist=2))
    _write(folder, "moodtheme-train", _row(2, "mood/theme---sad", artist=2), _row(3, "mood/theme---calm"))
    _write(folder, "instrument-validation", _row(4, "instrument---piano"))
    return folder


def _read(labels, **options) -> list[Track | Dropped]:
    return list(read_mtg_jamendo(labels, labels.parent / "audio", **{"skip_audio_check": True, **options}))


def test_joined_by_track_and_absent_is_unlabelled(labels):
    found = [(track.track_id[-1], track.artist, track.split, track.tags) for track in _read(labels)]
    assert found == [
        ("1", "artist_000001", "train", {"genre": ["rock", "pop"]}),
        ("2", "artist_000002", "train", {"genre": ["jazz"], "mood": ["sad"]}),
        ("3", "artist_000001", "train", {"mood": ["calm"]}),
        ("4", "artist_000001", "valid", {"instrument": ["piano"]}),
    ]


def test_the_command_writes_what_the_manifest_reads(labels, tmp_path, capsys):
    out = tmp_path / "songs.csv.gz"
    assert main(["mtg_jamendo", f"--labels={labels}", f"--audio={tmp_path}", f"--out={out}", "--skip_audio_check"]) == 0
    shown = capsys.readouterr()
    assert "mood: 2 tags, labelled 2 tracks (50.0%)" in shown.out and "tracks: 4/4, " in shown.err
    rows = list(read_manifest(out, check_audio=False))
    assert rows[0].tags == {"genre": ("pop", "rock"), "mood": (), "instrument": ()}
    assert rows[0].path == str(tmp_path / "01/1.mp3")


def test_audio_is_looked_for(labels):
    audio = labels.parent / "audio"
    for name in ("01/1.mp3", "02/2.low.mp3", "03/3.mp3"):
        (audio / name).parent.mkdir(parents=True)
        (audio / name).write_text("" if "3" in name.split("/")[1][0] else "x")
    first, second, third, fourth = _read(labels, skip_audio_check=False)
    assert (first.path, second.path) == (str(audio / "01/1.mp3"), str(audio / "02/2.low.mp3"))
    assert (third.kind, fourth.kind) == ("unreadable", "missing") and "file is empty" in third.reason


def test_one_of_five_splits(labels, tmp_path):
    for k in (0, 3):
        _write(tmp_path / f"split-{k}", "genre-test", _row(k + 5, "genre---rock"))
    assert [track.track_id[-1] for track in _read(tmp_path, split=3)] == ["8"]
    assert [track.track_id[-1] for track in _read(tmp_path)] == ["5"]
    with pytest.raises(UserError, match="holds split-0, split-3 only"):
        _read(tmp_path, split=1)
    with pytest.raises(UserError, match="holds no folders split-0 to split-4"):
        _read(labels, split=1)


@pytest.mark.parametrize(
    "row, kind, reason",
    [
        ("track_0000009\tartist_000001", "bad row", "has 2 cells"),
        (_row(9), "bad row", "has 5 cells"),
        (_row(9, "genre---x").replace("track_", "song "), "bad row", "needs track_NUMBER"),
        ('"track_0000009"x\ty', "bad row", "not readable as TSV"),
        (_row(1, "genre---x"), "duplicate row", "were given before"),
        (_row(2, "genre---x"), "bad row", "says artist_000001"),
        (_row(9, "genre---x").replace("09/9.mp3", "../../etc"), "bad file name", "inside the audio folder"),
    ],
)
def test_a_bad_row_is_listed_and_the_rest_goes_on(labels, row, kind, reason):
    _write(
        labels, "genre-train", _row(1, "genre---rock"), _row(2, "genre---jazz", artist=2), row, _row(6, "genre---rock")
    )
    items = _read(labels)
    (dropped,) = [item for item in items if isinstance(item, Dropped)]
    assert dropped.kind == kind and reason in dropped.reason
    assert dropped.place == f"{labels}/autotagging_genre-train.tsv line 4"
    assert {"1", "2", "3", "4", "6"} == {item.track_id[-1] for item in items if isinstance(item, Track)}


@pytest.mark.parametrize(
    "tag, message",
    [
        ("foo---bar", "'foo---bar' is of no known category"),
        ("rock", "'rock' is of no known category"),
        ("genre---a|b", r"the tag 'a\|b'"),
        ("genre---", "the tag '' is empty"),
        ("genre---a\x01", "control character"),
    ],
)
def test_a_tag_that_cannot_be_is_an_error_that_names_it(labels, tag, message):
    _write(labels, "genre-train", _row(1, "genre---rock", tag))
    with pytest.raises(UserError, match=message) as caught:
        _read(labels)
    assert "autotagging_genre-train.tsv line 2" in str(caught.value)


def test_a_tag_with_a_comma_survives(labels):
    _write(labels, "genre-train", _row(1, "genre---rock, hard", "", "genre---rock, hard"))
    assert _read(labels)[0].tags == {"genre": ["rock, hard"]}


def test_a_track_in_two_splits_names_both(labels):
    _write(labels, "genre-test", _row(7, "genre---x"), _row(1, "genre---rock"))
    with pytest.raises(
        UserError,
        match="genre-test.tsv line 3: track_0000001 is in split test here and in train in .*genre-train.tsv line 2",
    ):
        _read(labels)


@pytest.mark.parametrize(
    "text, message", [("", "must begin with"), ("a,b\n", "must begin with"), (f"{HEADER}\n\udcff", "not UTF-8")]
)
def test_a_file_of_another_form(labels, text, message):
    (labels / "autotagging_genre-train.tsv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message):
        _read(labels)


def test_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="holds no autotagging_"):
        _read(tmp_path)
