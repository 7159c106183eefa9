"""What musicnn's networks hear in each 3 s of songs, in one file, computed or read."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from dmml_tf.models.musicnn import (
    BANDS,
    FEATURES,
    FRAMES,
    NETWORKS,
    SAMPLE_RATE,
    TAGS,
    musicnn_mel,
    musicnn_outputs,
    musicnn_windows,
    read_weights,
)
from tfrecords_tools.audio.decode import AudioError, mono_blocks
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import NOT_NPZ, whole_file
from tfrecords_tools.program import progress
from tfrecords_tools.sources.debian_table import load_songs

_BATCH = 32  # windows


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """The last hidden layers of both networks.

    Attributes:
        places: track id -> its place in `offsets`.
        offsets: int [N + 1]; rows `offsets[i]` to `offsets[i + 1]` of the features are a song's consecutive 3 s.
        features: float32 [rows, 400].
    """

    places: Mapping[str, int]
    offsets: np.ndarray
    features: np.ndarray

    def rows(self, track: str) -> tuple[int, int]:
        """The first row of a song and the one behind its last."""
        place = self.places[track]
        return int(self.offsets[place]), int(self.offsets[place + 1])

    def count(self, track: str) -> int:
        """How many 3 s of a song were heard; none of one that is not known."""
        return len(self.of(track)) if track in self.places else 0

    def of(self, track: str) -> np.ndarray:
        """float32 [W, 400] of one song."""
        begin, end = self.rows(track)
        return self.features[begin:end]


def read_heard(path: str | os.PathLike) -> Heard:
    """Reads such a file: `offsets`, `msd_features`, `mtt_features`, and `ids`, without which it is of the songs of
    `dmml-records debian_music`, in the order of their table.

    Raises:
        UserError: if it cannot be read or is of other songs.
    """
    try:
        with np.load(path) as file:
            offsets = file["offsets"]
            features = np.concatenate([file[f"{name}_features"] for name in NETWORKS], axis=1).astype(np.float32)
            ids = [str(track) for track in file["ids"]] if "ids" in file else [song.track_id for song in load_songs()]
    except NOT_NPZ as error:
        raise UserError(f"{path}: cannot be read ({error}); name another, or a file that is not there yet") from error
    if len(offsets) != len(ids) + 1 or offsets[-1] != len(features):
        raise UserError(f"{path}: {len(offsets) - 1} songs and {len(features)} rows, not those of {len(ids)} songs")
    return Heard({track: place for place, track in enumerate(ids)}, offsets, features)


def write_heard(path: str | os.PathLike, paths: Mapping[str, str]) -> None:
    """Hears songs and writes the file; a song that cannot be read has no rows.

    Beside what `read_heard` reads there are the probabilities of the tags, `msd` and `mtt` [rows, 50]; float16 all.

    Args:
        path: a .npz file.
        paths: track id -> audio file.

    Raises:
        UserError: if musicnn's package is not installed, or there is no song.
    """
    if not paths:
        raise UserError(f"{path}: there is no song to hear; name a dataset whose tracks.csv names audio files")
    heard: dict[str, list[np.ndarray]] = {key: [] for name in NETWORKS for key in (f"{name}_features", name)}
    offsets = [0]
    for audio in progress(paths.values(), len(paths), "songs by musicnn"):
        of_song = hear(audio)
        offsets.append(offsets[-1] + len(of_song["msd"]))
        for key, rows in of_song.items():
            heard[key].append(rows)
    with whole_file(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            ids=np.array(list(paths)),
            offsets=offsets,
            **{key: np.concatenate(rows) for key, rows in heard.items()},
        )


def hear(audio: str | os.PathLike) -> dict[str, np.ndarray]:
    """What both networks hear in a file: "msd_features", "mtt_features", "msd", "mtt", float16 [W, 200 or 50]."""
    try:
        samples = np.concatenate([np.zeros(0, np.float32), *mono_blocks(audio, SAMPLE_RATE)])
    except AudioError:
        samples = np.zeros(0, np.float32)
    windows = musicnn_windows(musicnn_mel(samples)) if len(samples) else np.zeros((0, FRAMES, BANDS), np.float32)
    heard = {}
    for name in NETWORKS:
        batches = [_network(name)(windows[begin : begin + _BATCH]) for begin in range(0, len(windows), _BATCH)]
        for key, place, size in ((f"{name}_features", 0, FEATURES), (name, 1, TAGS)):
            rows = [np.zeros((0, size), np.float16), *(batch[place].numpy().astype(np.float16) for batch in batches)]
            heard[key] = np.concatenate(rows)
    return heard


@functools.cache
def _network(name: str):
    weights = read_weights(name)
    window = tf.TensorSpec([None, FRAMES, BANDS], tf.float32)
    return tf.function(lambda mel: musicnn_outputs(mel, weights), [window], jit_compile=False)
