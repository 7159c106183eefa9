"""`dmml scan --watch`, several roots, and the words of `dmml scan`."""

import os
import shutil
import unicodedata

import pytest

from dmml_tf.commands import scan as command
from dmml_tf.library import watch as watching
from dmml_tf.library.library import Library
from dmml_tf.library.scan import Scan, scan
from dmml_tf.library.walk import joined_roots, prefixes
from tests.dmml_tf.library.made import make_run, make_song, require_equal, songs_of
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def model(tmp_path):
    return str(make_run(tmp_path / "run").folder)


def test_watching_takes_in_what_comes_and_outlives_a_missing_disk(tmp_path, model, monkeypatch, capsys):
    music, said, looks = tmp_path / "music", [], []
    make_song(music / "one.wav", 1)

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            make_song(music / "two.wav", 2)
        if len(looks) == 3:
            shutil.move(music, tmp_path / "aside")
        if len(looks) == 5:
            shutil.move(tmp_path / "aside", music)

    monkeypatch.setattr(watching.time, "sleep", sleep)
    watching.watch(tmp_path / "lib", Scan([str(music)], model), 60.0, said.append, rounds=6)
    assert looks == [60.0] * 6
    assert len(said) == 2 and "1 songs" in said[0] and "looking again every 60 s" in said[0]
    assert "2 songs; 1 files read, 1 songs embedded" in said[1]
    assert capsys.readouterr().err.count("is gone, and 2 songs of the library are from there") == 1
    with pytest.raises(UserError, match="is no folder"):
        watching.watch(tmp_path / "other", Scan([str(tmp_path / "none")], model), 60.0, said.append)


def test_several_roots_and_one_that_comes_later(tmp_path, model):
    for number, name in enumerate(("a/Music/one.wav", "b/Music/one.wav", "c/Other/sub/one.wav")):
        make_song(tmp_path / name, number)
    roots = [str(tmp_path / name) for name in ("a/Music", "b/Music", "c/Other")]
    scan(tmp_path / "lib", Scan(roots[:1], model))
    assert list(songs_of(tmp_path / "lib")) == ["one.wav"]
    found = scan(tmp_path / "lib", Scan(roots[1:]))
    assert (found.songs, found.read, found.embedded) == (3, 2, 2)
    assert list(songs_of(tmp_path / "lib")) == ["Music (2)/one.wav", "Music/one.wav", "Other/sub/one.wav"]
    assert Library.open(tmp_path / "lib").sound("Music (2)/one.wav") == tmp_path / "b/Music/one.wav"
    scan(tmp_path / "fresh", Scan(roots, model))
    require_equal(tmp_path / "lib", tmp_path / "fresh")


def test_roots_and_what_their_ids_begin_with(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Music").mkdir()
    assert joined_roots((), ["~/Music", str(tmp_path / "Music")]) == [str(tmp_path / "Music")]
    assert prefixes(["/a/b"]) == {"/a/b": ""}
    assert prefixes(["/", "/x/root"]) == {"/": "root/", "/x/root": "root (2)/"}


def test_odd_names(tmp_path, model):
    music = tmp_path / "music"
    composed, decomposed = (unicodedata.normalize(form, "Café.wav") for form in ("NFC", "NFD"))
    for number, name in enumerate((composed, decomposed, 'one|two\'s "three", 50%.wav', "Song.WAV ", "SONG.wav")):
        make_song(music / "song.wav", number).rename(music / name)
    (music / "new\nline.wav").write_bytes(b"x")
    with open(os.fsencode(music) + b"/latin \xe9.wav", "wb") as file:
        file.write(b"x")
    (music / "link.wav").symlink_to(music / "nowhere.wav")
    (music / "round").symlink_to(music, target_is_directory=True)
    found = scan(tmp_path / "lib", Scan([str(music)], model))
    library = Library.open(tmp_path / "lib")
    assert list(library.index.positions) == [
        *("Café.wav", "Café.wav (2)", "SONG.wav", "Song.WAV", 'one|two\'s "three", 50%.wav')
    ]
    assert library.sound("Café.wav").name == composed and library.sound("Café.wav (2)").name == decomposed
    assert library.sound("Song.WAV").name == "Song.WAV "
    assert found.rejected == 2 and found.notes["names"] == 1
    rejected = (tmp_path / "lib/rejected.csv").read_text("utf-8")
    assert rejected.count("bad file name") == 2 and "latin \\udce9.wav" in rejected


def test_folders_need_no_flag():
    words = ["Music", "--library", "lib", "other music", "--workers=2", "--nice", "5", "--watch", "-run", "x", "last"]
    assert command.spelled_out(words) == [
        *("--root=Music", "--library", "lib", "--root=other music", "--workers=2", "--nice", "5", "--watch"),
        *("-run", "x", "--root=last"),
    ]
