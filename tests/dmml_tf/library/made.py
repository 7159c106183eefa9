"""Small folders of music and a model that needs no TensorFlow, for the tests of libraries."""

import os
import types
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.library.library import Library
from dmml_tf.run import MODEL_FILE, WEIGHTS_FILE, Run
from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import write_json

CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])


def make_run(folder: Path, seed: int = 0) -> Run:
    """A run whose weights `Projection` makes up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_text(f"weights of seed {seed}")
    content = {"conditions": CONDITIONS.to_json(), "network": {}, "features": {}, "tags": {}, "values": []}
    write_json(folder / MODEL_FILE, {**content, "dataset": "", "norm_order": "mask_then_norm"})
    return Run.load(folder)


class Projection:
    """Stands for `Embedder`: a random projection of a song's mean spectrum, which costs nothing."""

    signal = types.SimpleNamespace(field="log_mel", takes_samples=False, features=LogMel())

    def __init__(self, run: Run):
        seed = int(run.weights_sha256()[:8], 16)
        self._weights = np.random.default_rng(seed).normal(size=(128, 10)).astype(np.float32)

    @classmethod
    def of_run(cls, run: Run) -> "Projection":
        """As `Embedder.of_run`."""
        return cls(run)

    def windows(self, sound: Mapping[str, np.ndarray]) -> np.ndarray:
        """float32 [1, 10]."""
        return sound["log_mel"].astype(np.float32).mean(axis=0, keepdims=True) @ self._weights


def make_song(path: Path, seed: int, seconds: float = 3.2) -> Path:
    """A song of noise, of the format that its suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, seed), RATE)
    return path


def songs_of(library: Path) -> dict[str, np.ndarray]:
    """Id -> search vector of every song that is found."""
    index = Library.open(library).index
    return {track["id"]: index.vectors[row] for row, track in enumerate(index.tracks)}


def require_equal(one: Path, other: Path) -> None:
    """Checks that two libraries have the same songs, vector by vector, the same tables, and the same rows."""
    first, second = songs_of(one), songs_of(other)
    assert first.keys() == second.keys()
    for track_id, vector in first.items():
        np.testing.assert_array_equal(vector, second[track_id], err_msg=track_id)
    assert list(Library.open(one).index.tracks) == list(Library.open(other).index.tracks)
    for name in ("rejected.csv", "notes.csv"):
        assert text_of(one / name) == text_of(other / name)


def text_of(path: Path) -> str:
    """The text of a file, empty where there is none."""
    return path.read_text("utf-8") if path.exists() else ""


def touch(path: Path, seconds: float = 10.0) -> None:
    """Has a file look changed."""
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + int(seconds * 1e9)))
