"""Small folders of music and an untrained model, for the tests of libraries."""

import os
from pathlib import Path

import numpy as np
import soundfile
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.library.catalogue import CATALOGUE_FILE, Catalogue
from dmml_tf.library.library import Library
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from tests.synthetic import SCHEMA
from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])
NETWORK = {"block": "conv", "width": 2, "size": 10}


def make_run(folder: Path, seed: int = 0) -> Run:
    """A run whose network was not trained."""
    keras.utils.set_random_seed(seed)
    run = Run(folder, CONDITIONS, NETWORK, LogMel(), SCHEMA, "")
    run.save(build_embedding(**NETWORK))
    return run


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


def count_sounds(library: Path) -> int:
    """Sounds that were ever heard."""
    catalogue = Catalogue(library / CATALOGUE_FILE)
    try:
        return catalogue._one("SELECT COUNT(*) FROM sound")
    finally:
        catalogue.close()


def touch(path: Path, seconds: float = 10.0) -> None:
    """Has a file look changed."""
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + int(seconds * 1e9)))
