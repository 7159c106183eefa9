"""What musicnn hears in songs: written, read, and refused in one line where it is no such file."""

import types

import numpy as np
import pytest
import soundfile

from dmml_tf.heads import songs
from dmml_tf.heads.songs import read_heard, write_heard
from tfrecords_tools.errors import UserError


def test_what_musicnn_hears_is_written_and_read(tmp_path, monkeypatch):
    weights = {"msd": 1.0, "mtt": 2.0}
    monkeypatch.setattr(
        songs,
        "_network",
        lambda name: (
            lambda mel: tuple(
                types.SimpleNamespace(numpy=lambda size=size: np.full((len(mel), size), weights[name]))
                for size in (200, 50)
            )
        ),
    )
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 7 * 16_000), 16_000)
    (tmp_path / "b.wav").write_text("no sound")
    write_heard(tmp_path / "heard.npz", {"a": str(tmp_path / "a.wav"), "b": str(tmp_path / "b.wav")})
    heard = read_heard(tmp_path / "heard.npz")
    assert heard.of("a").shape == (2, 400) and set(heard.of("a")[0]) == {1, 2}
    assert heard.count("a") and not heard.count("b") and not heard.count("c")
    with np.load(tmp_path / "heard.npz") as file:
        assert file["msd"].shape == (2, 50) and file["msd"].dtype == np.float16


def test_a_file_without_ids_is_of_the_tables_songs(tmp_path, monkeypatch):
    monkeypatch.setattr(songs, "load_songs", lambda: [types.SimpleNamespace(track_id="x")])
    content = {"msd_features": np.ones((3, 200)), "mtt_features": np.ones((3, 200))}
    np.savez(tmp_path / "one.npz", offsets=[0, 3], **content)
    assert read_heard(tmp_path / "one.npz").of("x").shape == (3, 400)
    np.savez(tmp_path / "two.npz", offsets=[0, 1, 3], **content)
    with pytest.raises(UserError, match=r"two.npz: 2 songs and 3 rows, not those of 1 songs"):
        read_heard(tmp_path / "two.npz")
    whole = (tmp_path / "one.npz").read_bytes()
    for damaged in (b"no file of NumPy", b"", whole[: len(whole) // 2]):
        (tmp_path / "none.npz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"none.npz: cannot be read"):
            read_heard(tmp_path / "none.npz")


def test_without_a_song_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match=r"heard\.npz: there is no song to hear; name a dataset whose tracks\.csv"):
        write_heard(tmp_path / "heard.npz", {})
    assert not list(tmp_path.iterdir())
