"""Files of what a teacher heard: written and read back, in time, and refused when they are broken."""

import tokenize
import zlib

import numpy as np
import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.debian_music import copy_teacher
from tfrecords_tools.sources.debian_table import load_songs
from tfrecords_tools.sources.teacher import Teacher


def made():
    rows = np.array([[0, 8], [16, 24], [32, 0], [-16, 40]], np.int8)
    return Teacher(["a", "mute", "b"], np.array([0, 3, 3, 4]), 3.0, {"genre": rows}, {"genre": 0.125})


def test_a_file_is_read_as_it_was_written(tmp_path):
    made().save(tmp_path / "t.npz")
    found = Teacher.load(tmp_path / "t.npz")
    assert found.track_ids == made().track_ids and found.seconds == 3.0 and found.scales == {"genre": 0.125}
    np.testing.assert_array_equal(found.spaces["genre"], made().spaces["genre"])
    assert found.widths == {"genre": 2}


def test_what_is_heard_lies_between_the_two_rows_around_a_moment():
    heard = made().heard("genre", ["a", "a", "a", "a", "b"], np.array([1.5, 3.0, 0.0, 99.0, 4.0]))
    np.testing.assert_allclose(heard, [[0, 1], [1, 2], [0, 1], [4, 0], [-2, 5]])


def test_songs_that_were_not_heard_are_nan():
    heard = made().heard("genre", ["mute", "unknown", "a"], np.zeros(3))
    assert np.isnan(heard[:2]).all() and not np.isnan(heard[2]).any() and heard.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "array"),
    [("genre", np.zeros((4, 2), np.int16)), ("genre", np.zeros((3, 2), np.int8)), ("offsets", np.array([0, 4]))],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, array):
    made().save(tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as file:
        arrays = {**file, name: array}
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(UserError, match=r"t\.npz: is no whole file of what a teacher heard"):
        Teacher.load(tmp_path / "t.npz")


def test_missing_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        Teacher.load(tmp_path / "t.npz")
    made().save(tmp_path / "t.npz")
    (tmp_path / "t.npz").write_bytes((tmp_path / "t.npz").read_bytes()[:200])
    with pytest.raises(UserError, match="is no whole file"):
        Teacher.load(tmp_path / "t.npz")


@pytest.mark.parametrize("error", [zlib.error("bad"), tokenize.TokenError("bad"), NotImplementedError("bad")])
def test_whatever_numpy_says_of_a_damaged_file_is_one_line(tmp_path, monkeypatch, error):
    made().save(tmp_path / "t.npz")

    def fails(*_, **__):
        raise error

    monkeypatch.setattr(np, "load", fails)
    with pytest.raises(UserError, match="is no whole file"):
        Teacher.load(tmp_path / "t.npz")


def test_the_packages_own_file_belongs_to_its_table(tmp_path):
    copy_teacher(tmp_path / "teacher.npz")
    teacher, songs = Teacher.load(tmp_path / "teacher.npz"), load_songs()
    assert teacher.track_ids == [song.track_id for song in songs]
    assert teacher.widths == {"genre": 28, "instrument": 12, "mood": 12, "whole": 64}
    heard = teacher.heard("genre", teacher.track_ids, np.full(len(songs), 1.5))
    assert np.nanmean(heard) == pytest.approx(0, abs=0.5) and 0.5 < np.nanstd(heard) < 1.5
