"""The same recording twice, on files of made tunes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dmml_tf.library.copies import Copy, best_first
from dmml_tf.library.duplicates import find_duplicates
from dmml_tf.search.index import Index
from tests.dmml_tf.library.tunes import RATE, tune
from tests.dmml_tf.search.made import CONDITIONS
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.usefixtures("in_this_process")


def index_of(names, vectors=None):
    """Songs that are all candidates, unless vectors say otherwise."""
    vectors = np.ones((len(names), CONDITIONS.size)) if vectors is None else vectors
    return Index.build(np.asarray(vectors, np.float32), CONDITIONS, [{"id": name} for name in names])


@pytest.fixture
def music(tmp_path):
    first, second = tune(0), tune(1)
    soundfile.write(tmp_path / "first.flac", np.stack([first, 0.5 * first], axis=1), RATE)
    soundfile.write(tmp_path / "first.ogg", first, RATE)
    soundfile.write(tmp_path / "first cut.mp3", 0.5 * first[RATE // 2 :], RATE)
    soundfile.write(tmp_path / "second.wav", second, RATE)
    soundfile.write(tmp_path / "second at 44.1 kHz.wav", np.repeat(second, 2), 2 * RATE)
    soundfile.write(tmp_path / "other.wav", tune(2), RATE)
    (tmp_path / "broken.mp3").write_bytes(b"no sound at all")
    return tmp_path


def test_groups_tell_each_file_and_where_it_begins(music):
    names = sorted(path.name for path in music.iterdir())
    before = {path: path.read_bytes() for path in music.iterdir()}
    found = find_duplicates(index_of(names), lambda name: music / name)
    groups = [[copy.track_id for copy in group] for group in found.groups]
    assert groups == [["first.flac", "first.ogg", "first cut.mp3"], ["second at 44.1 kHz.wav", "second.wav"]]
    assert found.compared == 6
    assert [(song.track_id, "broken.mp3: " in song.reason) for song in found.unheard] == [("broken.mp3", True)]
    first, ogg, cut = found.groups[0]
    assert (first.lossless, ogg.lossless, cut.lossless) == (True, False, False)
    assert (first.begins, first.similarity) == (0, 1) and abs(ogg.begins) < 0.02
    assert cut.begins == pytest.approx(0.5, abs=0.08)  # an MP3's own delay is among it
    assert cut.seconds == pytest.approx(9.5, abs=0.1)
    assert before == {path: path.read_bytes() for path in music.iterdir()}  # nothing is deleted


def test_text_and_json(music):
    names = sorted(path.name for path in music.iterdir())
    found = find_duplicates(index_of(names), lambda name: music / name)
    text = str(found)
    assert "1: one recording in 3 files" in text and "first.flac  (seems best)" in text
    assert "begins 0.5 s later" in text and "not compared: broken.mp3: " in text
    low, high = found.gap
    said = f"6 compared, none of them with a similarity between {low:.2f} and {high:.2f}"
    assert text.endswith(f"2 recordings are there more than once, in 5 files; {said}") and low < 0.7 < 0.9 < high
    content = json.loads(json.dumps(found.to_json()))
    assert [len(group) for group in content["groups"]] == [3, 2] and content["compared"] == 6
    assert content["groups"][0][0]["id"] == "first.flac" and content["groups"][0][0]["lossless"] is True
    assert content["unheard"][0]["id"] == "broken.mp3"


def test_a_song_without_a_file_is_told(music):
    def sound(name):
        if name == "first.ogg":
            raise UserError("its disk is not there")
        return music / name

    names = ["first.flac", "first.ogg", "first cut.mp3"]
    found = find_duplicates(index_of(names), sound)
    assert [[copy.track_id for copy in group] for group in found.groups] == [["first.flac", "first cut.mp3"]]
    assert found.unheard == [("first.ogg", "its disk is not there")]


def test_only_near_songs_are_heard(music):
    heard = []

    def sound(name):
        heard.append(name)
        return music / name

    vectors = np.eye(CONDITIONS.size)[[0, 0, 1]] + 0.01
    found = find_duplicates(index_of(["first.flac", "first.ogg", "other.wav"], vectors), sound)
    assert len(found.groups) == 1 and sorted(heard) == ["first.flac", "first.ogg"]
    strict = find_duplicates(index_of(["first.flac", "first.ogg"]), sound, similarity=1.01)
    assert not strict.groups and strict.gap[0] > 0.9 and strict.gap[1] == 1


def test_no_pair_at_all():
    found = find_duplicates(index_of(["a"]), lambda name: pytest.fail("nothing is to be heard"))
    assert (found.groups, found.unheard, found.compared) == ([], [], 0)
    assert str(found) == "0 recordings are there more than once, in 0 files; 0 compared"


def test_the_best_file():
    def copy(name, seconds, kbit):
        return Copy(name, Path(name), seconds, math.ceil(kbit * seconds * 125))

    order = ["whole.flac", "one second less.flac", "320.mp3", "96.mp3", "half a second less at 64.mp3", "half.flac"]
    files = [
        copy("half.flac", 100, 900),
        copy("96.mp3", 200, 96),
        copy("320.mp3", 200.05, 320),
        copy("whole.flac", 200, 700),
        copy("one second less.flac", 199, 900),
        copy("half a second less at 64.mp3", 199.6, 64),
    ]
    assert [file.track_id for file in best_first(files)] == order
