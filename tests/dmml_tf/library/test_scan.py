"""`dmml_tf.library.scan`: what changes in the folders, and that nothing is embedded twice."""

import shutil

import numpy as np
import pytest

from dmml_tf.library.library import Library
from dmml_tf.library.scan import Scan, scan
from tests.dmml_tf.library.made import make_run, make_song, require_equal, songs_of, touch
from tests.tfrecords_tools.damaged import KINDS
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_run(tmp_path_factory.mktemp("model") / "run").folder)


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    for number, name in enumerate(("a/one.wav", "a/two.flac", "b/three.ogg", "four.mp3")):
        make_song(folder / name, number)
    (folder / "cover.jpg").write_bytes(b"no sound")
    return folder


@pytest.fixture
def library(tmp_path, music, model):
    scan(tmp_path / "lib", Scan([str(music)], model))
    return tmp_path / "lib"


def test_songs_are_found_by_their_path_and_played_from_it(library, music):
    found = Library.open(library)
    assert list(found.index.positions) == ["a/one.wav", "a/two.flac", "b/three.ogg", "four.mp3"]
    assert found.sound("a/two.flac") == music / "a/two.flac"
    assert dict(found.index.tracks[0]) == {
        "id": "a/one.wav",
        "title": "one",
        "artist": "",
        "split": "",
        "album": "",
        "year": "",
        "seconds": "3.2",
    }
    with pytest.raises(UserError, match=r"ids like it: a/one\.wav"):
        found.sound("a/one.mp3")


def test_an_unchanged_library_reads_and_embeds_nothing(library):
    before = (Library.open(library).model_folder / "index/vectors.npy").stat().st_mtime_ns
    again = scan(library)
    assert (again.songs, again.read, again.embedded, again.gone) == (4, 0, 0, 0)
    assert (Library.open(library).model_folder / "index/vectors.npy").stat().st_mtime_ns == before


def test_moved_copied_touched_and_new_files_cost_what_is_new(library, music, model, tmp_path):
    before = songs_of(library)
    shutil.move(music / "a", music / "moved")
    shutil.copy(music / "four.mp3", music / "b/copy of four.mp3")
    touch(music / "b/three.ogg")
    make_song(music / "new.wav", 9)
    found = scan(library)
    assert (found.songs, found.read, found.embedded) == (6, 5, 1)
    after = songs_of(library)
    np.testing.assert_array_equal(after["moved/one.wav"], before["a/one.wav"])
    np.testing.assert_array_equal(after["b/copy of four.mp3"], before["four.mp3"])
    scan(tmp_path / "fresh", Scan([str(music)], model))
    require_equal(library, tmp_path / "fresh")


def test_what_is_gone_leaves_the_results_and_comes_back_unheard(library, music):
    for number in range(3):
        make_song(music / f"more {number}.wav", 20 + number)
    scan(library)
    aside = music.with_name("aside.mp3")
    shutil.move(music / "four.mp3", aside)
    assert scan(library).gone == 1
    assert "four.mp3" not in songs_of(library)
    shutil.move(aside, music / "four.mp3")
    found = scan(library)
    assert (found.back, found.read, found.embedded) == (1, 0, 0)
    assert "four.mp3" in songs_of(library)


def test_broken_files_are_listed_and_not_tried_again_until_they_change(library, music, monkeypatch):
    for name in ("text.wav", "cut.mp3", "short.wav", "nan.wav", "empty.wav"):
        KINDS[name][0](music / name)
    found = scan(library)
    assert (found.songs, found.rejected, found.embedded) == (4, 5, 0)
    reasons = (library / "rejected.csv").read_text("utf-8")
    assert 'short.wav,"too short: 0.50 s, at least 3 s are needed"' in reasons and "empty.wav,file is empty" in reasons
    with monkeypatch.context() as patched:
        patched.setattr("dmml_tf.library.steps.hear", lambda hearing: pytest.fail("tried again"))
        again = scan(library)
        assert (again.rejected, again.read) == (5, 0)
        shutil.move(music / "text.wav", music / "moved.wav")
        assert scan(library).rejected == 5
    make_song(music / "short.wav", 7)
    found = scan(library)
    assert (found.songs, found.rejected, found.embedded) == (5, 4, 1)


def test_excerpts_are_the_librarys_and_others_ask_for_everything_anew(tmp_path, music, model):
    make_song(music / "long.flac", 7, seconds=40.0)
    whole, some = tmp_path / "whole", tmp_path / "some"
    scan(whole, Scan([str(music)], model))
    scan(some, Scan([str(music)], model, excerpts=4))
    assert Library.open(some).settings.model.excerpts == 4
    assert scan(some).embedded == 0  # as it was made
    vectors, all_of_it = songs_of(some), songs_of(whole)
    np.testing.assert_array_equal(vectors["four.mp3"], all_of_it["four.mp3"])  # too short to leave anything out
    assert not np.array_equal(vectors["long.flac"], all_of_it["long.flac"])
    assert vectors["long.flac"] @ all_of_it["long.flac"] > 0.9 * all_of_it["long.flac"] @ all_of_it["long.flac"]
    assert [track["seconds"] for track in Library.open(some).index.tracks if track["id"] == "long.flac"] == ["40.0"]
    with pytest.raises(UserError, match="has heard 4 excerpts of each song; the whole is asked for; add --reembed .*"
                                        "or leave --excerpts out"):  # fmt: skip
        scan(some, Scan(excerpts=0))
    assert scan(some, Scan(excerpts=0, reembed=True)).embedded == 5
    require_equal(some, whole)
