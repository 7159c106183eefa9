"""The manifest: good rows come through, each bad row and column is named with a reason, bad tables are errors."""

import os
import unicodedata

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject, Row


@pytest.fixture
def table(tmp_path):
    """Writes a table beside two (unchecked) audio files and returns its path."""
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"x")

    def write(text: str | bytes):
        path = tmp_path / "songs.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def _rows(path) -> list[Row | Reject]:
    return list(read_manifest(path))


def test_good_rows(table, tmp_path):
    path = table(
        "track_id,path,artist,title,split,genre,energy:value,tempo\n"
        "t1,a.wav,Ann,Söng,train,rock| pop ||rock,-0.5,120\n"
        f't2,{tmp_path}/b.wav,,"One, two",,,,\n'
    )
    manifest = read_manifest(path)
    assert (manifest.tags, manifest.values, manifest.rejects) == (("genre",), ("energy", "tempo"), [])
    first, second = manifest
    assert first == Row(
        "t1",
        str(tmp_path / "a.wav"),
        "Ann",
        "Söng",
        "train",
        {"genre": ("pop", "rock")},
        {"energy": -0.5, "tempo": 120.0},
        2,
    )
    assert second == Row(
        "t2", str(tmp_path / "b.wav"), "", "One, two", "", {"genre": ()}, {"energy": None, "tempo": None}, 3
    )


def test_reading_again_gives_the_same(table):
    manifest = read_manifest(table("track_id,path,artist\nt1,a.wav,x\nt1,a.wav,x\n"))
    assert list(manifest) == list(manifest)


def test_byte_order_mark_and_windows_lines(table):
    rows = _rows(table("\ufefftrack_id,path,artist\r\nt1,a.wav,x\r\n\r\n"))
    assert [row.track_id for row in rows] == ["t1"]


def test_kinds_said_explicitly(table):
    manifest = read_manifest(table("track_id,path,artist,tempo:tag,year:value,mood:tag\nt,a.wav,x,fast,1999,calm\n"))
    assert manifest.tags == ("tempo", "mood") and manifest.values == ("year",)
    assert next(iter(manifest)).tags == {"tempo": ("fast",), "mood": ("calm",)}


def test_the_index_that_pandas_writes_without_a_name_is_noted_and_no_reject(table):
    manifest = read_manifest(table(",track_id,path,artist,genre\n0,t1,a.wav,x,rock\n"))
    (note,) = manifest.notes
    assert not manifest.rejects and (note.line, note.kind, note.done) == (1, "labels", "left out")
    assert "an index that pandas wrote" in note.what
    assert next(iter(manifest)).tags == {"genre": ("rock",)}


@pytest.mark.parametrize(
    "column, reason",
    [
        ("foo:xyz", "unknown column type 'xyz'"),
        ("foo:", "unknown column type ''"),
        ("", "without a name"),
        ("duration", "cannot name a dimension"),
        ("artist:tag", "cannot name a dimension"),
        ("a/b", "letters, digits"),
        ("genre", "second column"),
    ],
)
def test_a_wrong_column_is_left_out_and_the_rest_goes_on(table, column, reason):
    manifest = read_manifest(table(f"track_id,path,artist,genre,{column}\nt1,a.wav,x,rock,y\n"))
    (reject,) = manifest.rejects
    assert (reject.line, reject.field) == (1, column) and reason in reject.reason
    (row,) = manifest
    assert row.tags == {"genre": ("rock",)}


@pytest.mark.parametrize(
    "cells, field, reason",
    [
        ("t1,missing.wav,x,,,", "path", "file not found"),
        ("t1,,x,,,", "path", "is empty"),
        ("t1,.,x,,,", "path", "is a directory"),
        ("t1,a.wav/b,x,,,", "path", "file not found"),
        (",a.wav,x,,,", "track_id", "is empty"),
        ("t1,../a.wav,x,,,", "path", "leaves the audio root"),
        ("t1,../../etc/passwd,x,,,", "path", "--audio_root"),
        ("t1,a.wav,x,,,fast", "tempo", "no number"),
        ("t1,a.wav,x,,,nan", "tempo", "not a finite"),
        ("t1,a.wav,x,,,1e999", "tempo", "not a finite"),
        ("t1,a.wav,x,,,1_0", "tempo", "no number"),
        ('t1,a.wav,x,,,"120,5"', "tempo", "no number"),
        ("t1,a.wav,x,,,0", "tempo", "leave unknown"),
        ("t1,a.wav,x,dev,,", "split", "unknown split 'dev'; known are: train, valid, test"),
        ("t1,a.wav,x", "", "has 3 cells, the header 6"),
        ("t1,a.wav,x,,,,,", "", "has 8 cells"),
        ('t1,a.wav,"x\ny",,,', "artist", "control character"),
        ("t\x001,a.wav,x,,,", "track_id", "control character"),
        ('t1,a.wav,"x"y,,,', "", "not readable as CSV"),
    ],
)
def test_a_wrong_row_is_named_and_the_rest_goes_on(table, cells, field, reason):
    path = table(f"track_id,path,artist,split,genre,tempo\nt0,a.wav,x,,,\n{cells}\nt9,b.wav,y,,,\n")
    first, reject, last = _rows(path)
    assert (first.track_id, last.track_id) == ("t0", "t9")
    assert (reject.line, reject.field) == (3, field) and reason in reject.reason


def test_lines_are_counted_through_quoted_line_breaks(table):
    rows = _rows(table('track_id,path,artist,title\nt1,a.wav,x,"two\nlines"\nt2,missing.wav,x,y\n'))
    assert [row.line for row in rows] == [2, 4]


def test_an_open_quote_and_a_huge_cell_end_nothing(table):
    huge = "y" * 200_000
    rows = _rows(table(f'track_id,path,artist\nt1,a.wav,{huge}\nt2,b.wav,x\nt3,a.wav,"x\n'))
    assert [(type(row), row.line) for row in rows] == [(Reject, 2), (Row, 3), (Reject, 4)]
    assert "field larger" in rows[0].reason and "quote" in rows[2].reason


def test_broken_link_empty_file_and_no_permission(table, tmp_path, monkeypatch):
    os.symlink(tmp_path / "gone", tmp_path / "link.wav")
    (tmp_path / "empty.wav").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("b.wav"))
    rows = _rows(table("track_id,path,artist\n1,link.wav,x\n2,empty.wav,x\n3,b.wav,x\n"))
    assert [row.reason.split(": ", 1)[1].split(" to ")[0] for row in rows] == [
        "is a broken symbolic link",
        "file is empty",
        "no permission",
    ]


def test_composed_and_decomposed_text_are_one_tag(table):
    first, second = _rows(table("track_id,path,artist,genre\n1,a.wav,x,caf\u00e9\n2,b.wav,x,cafe\u0301\n"))
    assert first.tags == second.tags


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", "Unnamed: 0_level_1"])
def test_an_index_that_pandas_wrote_is_left_out_and_noted(table, name):
    manifest = read_manifest(table(f"{name},track_id,path,artist,genre\n0,t1,a.wav,x,rock\n"))
    assert manifest.tags == ("genre",) and not manifest.rejects
    assert [(note.line, note.kind, note.done) for note in manifest.notes] == [(1, "labels", "left out")]
    assert [row.track_id for row in manifest] == ["t1"]


def test_a_tempo_that_no_music_has_is_taken_and_noted(table):
    rows = _rows(
        table("track_id,path,artist,tempo\n" + "".join(f"t{v},a.wav,,{v}\n" for v in (12593, 120, 20, 19, 401)))
    )
    assert [row.values["tempo"] for row in rows] == [12593, 120, 20, 19, 401]
    assert [[note.what.split(",")[0] for note in row.notes] for row in rows] == [
        ["tempo: 12593 beats a minute"],
        [],
        [],
        ["tempo: 19 beats a minute"],
        ["tempo: 401 beats a minute"],
    ]


def test_a_path_is_taken_as_it_is_written(table, tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Café.wav") for form in ("NFC", "NFD"))
    for name in (" a.wav", "b.wav ", decomposed):
        (tmp_path / name).write_bytes(b"x")
    text = f"track_id,path,artist\n1, a.wav,\n2,b.wav ,\n3, b.wav,\n4,{composed},\n5,{decomposed},\n6, c.wav,\n"
    rows = _rows(table(text))
    files = [os.path.relpath(row.path, tmp_path) for row in rows[:5]]
    assert files == [" a.wav", "b.wav ", "b.wav", decomposed, decomposed]
    assert [[note.kind for note in row.notes] for row in rows[:5]] == [[], [], ["names"], ["names"], []]
    assert [row.notes[0].done.split("differs in ")[1] for row in rows[2:4]] == [
        "the blanks at its ends",
        "how its accents are encoded",
    ]
    assert rows[5].reason == "' c.wav': file not found"


def test_a_path_that_is_not_looked_at_keeps_its_blanks_unless_the_other_is_there(table, tmp_path):
    path = table("track_id,path,artist\n1, gone.wav,\n2, a.wav,\n")
    rows = list(read_manifest(path, check_audio=False))
    assert [os.path.relpath(row.path, tmp_path) for row in rows] == [" gone.wav", "a.wav"]


def test_a_column_s_name_is_composed(table):
    assert read_manifest(table("track_id,path,artist,\u0065\u0301poque\n1,a.wav,,x\n")).tags == ("\u00e9poque",)


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "is empty"),
        ("title;path\nx;y\n", "needs the column.*track_id, path, artist.*comma-separated"),
        ("track_id,path\nt,a.wav\n", "needs the column.s. artist "),
        ("track_id,path,artist,path\n", "two columns are named 'path'"),
        ("track_id,path,artist,mood,mood:value\n", "'mood' is given both as tag and as value"),
        (b"track_id,path,artist\nt,a.wav,\xff\xfe\n", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not UTF-8"),
        ('track_id,path,"artist\n', "not readable as CSV"),
    ],
)
def test_a_wrong_table_is_one_error_that_names_it(table, content, message):
    path = table(content)
    with pytest.raises(UserError, match=message) as caught:
        _rows(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["gone.csv", ".", "nul\0.csv"])
def test_no_file_to_read(tmp_path, name):
    with pytest.raises(UserError, match="cannot be read as a table"):
        read_manifest(f"{tmp_path}/{name}")


def test_a_header_alone_has_no_rows(table):
    assert _rows(table("track_id,path,artist\n")) == []
