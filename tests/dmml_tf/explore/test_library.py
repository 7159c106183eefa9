"""Songs, their words and their audio."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.explore.library import Library, audio_paths, plain
from dmml_tf.heard.fit import fit_heard_as
from dmml_tf.heard.said import heard_text
from dmml_tf.search.index import Index
from tests.dmml_tf.explore.conftest import COUNT, HEARD, HOSTILE, rows
from tests.dmml_tf.heard.made import CONDITIONS as MADE
from tests.dmml_tf.heard.made import VOCABULARIES, songs
from tests.dmml_tf.search.made import made_index
from tfrecords_tools.errors import UserError


def test_a_song_is_plain_data_and_its_text_is_left_alone(library):
    song = json.loads(json.dumps(library.song(0), allow_nan=False))
    assert song["title"] == HOSTILE and song["labels"] == {"genre": "<i>folk", "tempo": "60"}
    assert (song["row"], song["id"], song["player"]) == (0, "t00", True) and len(song["mark"]) == 2


def test_words_are_found_in_any_order_case_and_accent(library):
    assert library.find("abc SOREN", 9) == [] and library.find("abc SØREN", 9) == [1]
    assert library.find("", 3) == [0, 1, 2] and library.find("   ", 100) == list(range(COUNT))
    expected = [i for i, row in enumerate(rows()) if "rock" in row["genre"] and "Song 1" in row["title"]]
    assert library.find("  1 ROCK song", 99)[-3:] == [15, 18, 21] and expected == [12, 15, 18]
    assert library.find("test", 9) == []  # the split is not what people look for
    assert plain("Ábc ÉCOLE ﬁn") == "abc ecole fin"


def test_audio_is_found_after_the_dataset_was_moved_and_is_missing_without_a_word(library):
    found = [library.sound(row) for row in range(COUNT)]
    assert [path.name for path in found[:HEARD]] == ["t00.flac", "t01.flac", "t02.flac"]
    assert found[HEARD:] == [None] * (COUNT - HEARD)


@pytest.mark.parametrize("name", ["secret.txt", "../secret.txt", "link.mp3", "folder.flac", "empty.flac", "x\0y.flac"])
def test_only_audio_files_are_ever_sent(library, tmp_path, name):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "link.mp3").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "folder.flac").mkdir()
    (tmp_path / "empty.flac").touch()
    (tmp_path / "good.flac").write_bytes(b"fLaC")
    for path, expected in ((tmp_path / name, None), (tmp_path / "good.flac", tmp_path / "good.flac")):
        assert Library(library.run, library.index, {"t00": str(path)}, tmp_path / "none").sound(0) == expected


def test_a_run_without_its_dataset_opens_and_a_dataset_that_is_named_must_be_there(library, run_folder, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(run_folder, moved)
    model = json.loads((moved / "model.json").read_text())
    (moved / "model.json").write_text(json.dumps(model | {"dataset": str(tmp_path / "gone")}))
    assert Library.open(moved).paths == {}
    assert Library.open(moved, str(library.folder)).paths == library.paths
    with pytest.raises(UserError, match="tracks.csv: cannot be read .*--data"):
        Library.open(moved, str(tmp_path))
    index = Index.load(moved / "index")
    Index(np.array(index.vectors), index.conditions, index.tracks, "other", index.lengths).save(moved / "index")
    with pytest.raises(UserError, match="other weights.*dmml index"):
        Library.open(moved)


def test_a_table_without_paths_gives_no_audio_and_a_broken_one_is_named(tmp_path):
    table = tmp_path / "tracks.csv"
    table.write_text("track_id,title\na,b\n")
    assert audio_paths(table) == {}
    table.write_bytes("track_id,path\na,/m\udcff.mp3\nb,\n".encode("utf-8", "surrogateescape"))
    assert audio_paths(table) == {"a": "/m\udcff.mp3"}
    table.write_text('track_id,path\n"a,b\n')
    with pytest.raises(UserError, match="tracks.csv"):
        audio_paths(table)


def test_the_example_of_many_songs_is_the_first(library, monkeypatch):
    assert 0 <= library.example < COUNT
    monkeypatch.setattr("dmml_tf.explore.library._TRIED", 3)
    assert Library(library.run, made_index(4), {}, library.folder).example == 0


def test_songs_without_labels_show_what_is_heard_in_them():
    heard_as, _ = fit_heard_as(songs(200, 0), songs(100, 1), MADE, VOCABULARIES, "abc")
    made = songs(6, 2)
    tracks = [
        {"id": f"s{i}", "title": "", "artist": "A", "split": "", "genre": "jazz" if i else "", "tempo": ""}
        for i in range(6)
    ]
    index = Index.build(made.vectors, MADE, tracks, "abc")
    told = Library(None, index, {}, Path("nowhere"), heard_as)
    said = heard_as.heard(made.vectors[:1], most=1)[0]
    assert said["genre"] and said["tempo"]
    assert told.song(0)["heard"] == {name: heard_text({name: several}) for name, several in said.items()}
    assert told.song(1)["heard"] == {} == Library(None, index, {}, Path("nowhere")).song(0)["heard"]
