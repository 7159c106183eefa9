"""Songs, their words and their audio."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.explore.audio_files import DatasetAudio
from dmml_tf.explore.songs import Songs
from dmml_tf.explore.words import plain
from dmml_tf.heard.fit import fit_heard_as
from dmml_tf.heard.said import heard_text
from dmml_tf.search.build import with_stretches
from dmml_tf.search.index import Index
from tests.dmml_tf.explore.conftest import COUNT, HEARD, HOSTILE, rows
from tests.dmml_tf.heard.made import CONDITIONS as MADE
from tests.dmml_tf.heard.made import VOCABULARIES
from tests.dmml_tf.heard.made import songs as made_songs
from tests.dmml_tf.search.made import made_index
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN


def test_a_song_is_plain_data_and_its_text_is_left_alone(songs):
    song = json.loads(json.dumps(songs.song(0), allow_nan=False))
    assert song["title"] == HOSTILE and song["labels"] == {"genre": "<i>folk", "tempo": "60"}
    assert (song["row"], song["id"], song["player"]) == (0, "t00", True) and len(song["mark"]) == 2


def test_words_are_found_in_any_order_case_and_accent(songs):
    assert songs.find("abc SOREN", 9) == [] and songs.find("abc SØREN", 9) == [1]
    assert songs.find("", 3) == [0, 1, 2] and songs.find("   ", 100) == list(range(COUNT))
    expected = [i for i, row in enumerate(rows()) if "rock" in row["genre"] and "Song 1" in row["title"]]
    assert songs.find("  1 ROCK song", 99)[-3:] == [15, 18, 21] and expected == [12, 15, 18]
    assert songs.find("test", 9) == []  # the split is not what people look for
    assert plain("Ábc ÉCOLE ﬁn") == "abc ecole fin"


def test_audio_is_found_after_the_dataset_was_moved_and_is_missing_without_a_word(songs):
    found = [songs.sound(row) for row in range(COUNT)]
    assert [path.name for path in found[:HEARD]] == ["t00.flac", "t01.flac", "t02.flac"]
    assert found[HEARD:] == [None] * (COUNT - HEARD)


@pytest.mark.parametrize("name", ["secret.txt", "../secret.txt", "link.mp3", "folder.flac", "empty.flac", "x\0y.flac"])
def test_only_audio_files_are_ever_sent(songs, tmp_path, name):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "link.mp3").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "folder.flac").mkdir()
    (tmp_path / "empty.flac").touch()
    (tmp_path / "good.flac").write_bytes(b"fLaC")
    for path, expected in ((tmp_path / name, None), (tmp_path / "good.flac", tmp_path / "good.flac")):
        audio = DatasetAudio({"t00": str(path)}, tmp_path / "none")
        assert dataclasses.replace(songs, audio=audio).sound(0) == expected


def test_a_run_without_its_dataset_opens_and_a_dataset_that_is_named_must_be_there(songs, run_folder, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(run_folder, moved)
    model = json.loads((moved / "model.json").read_text())
    (moved / "model.json").write_text(json.dumps(model | {"dataset": str(tmp_path / "gone")}))
    assert Songs.of_run(moved).audio.paths == {}
    assert Songs.of_run(moved, str(songs.audio.folder)).audio.paths == songs.audio.paths
    with pytest.raises(UserError, match="tracks.csv: cannot be read .*--data"):
        Songs.of_run(moved, str(tmp_path))
    index = Index.load(moved / "index")
    songs_of_one_window = (
        (track["id"], np.array(index.vectors[row : row + 1])) for row, track in enumerate(index.tracks)
    )
    with_stretches(index, songs_of_one_window, PAPER_CHAIN).save(moved / "index")
    assert Songs.of_run(moved).index.stretches is None  # the page shows whole songs
    index = Index.load(moved / "index")
    Index(np.array(index.vectors), index.conditions, index.tracks, "other", index.lengths).save(moved / "index")
    with pytest.raises(UserError, match="other weights.*dmml index"):
        Songs.of_run(moved)


def test_the_example_of_many_songs_is_the_first(songs, monkeypatch):
    assert 0 <= songs.example < COUNT
    monkeypatch.setattr("dmml_tf.explore.songs._TRIED", 3)
    assert dataclasses.replace(songs, index=made_index(4)).example == 0


def test_songs_without_labels_show_what_is_heard_in_them():
    heard_as, _ = fit_heard_as(made_songs(200, 0), made_songs(100, 1), MADE, VOCABULARIES, "abc")
    made = made_songs(6, 2)
    tracks = [
        {"id": f"s{i}", "title": "", "artist": "A", "split": "", "genre": "jazz" if i else "", "tempo": ""}
        for i in range(6)
    ]
    index = Index.build(made.vectors, MADE, tracks, "abc")
    told = Songs(None, index, DatasetAudio({}, Path("nowhere")), Path("nowhere"), heard_as)
    said = heard_as.heard(made.vectors[:1], most=1)[0]
    assert said["genre"] and said["tempo"]
    assert told.song(0)["heard"] == {name: heard_text({name: several}) for name, several in said.items()}
    assert told.song(1)["heard"] == {} == dataclasses.replace(told, heard_as=None).song(0)["heard"]
