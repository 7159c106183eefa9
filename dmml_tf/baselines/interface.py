"""What every baseline offers, and the loop over tracks that they share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np

from dmml_tf.data.signal import LogMelSignal
from dmml_tf.embed.split import Embedded, walk_split
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.features import LogMel

# Frames of a track [F, K] -> its vector [E]; any number of frames from 1 up.
Pool = Callable[[np.ndarray], np.ndarray]


class Baseline(Protocol):
    """A system that is fitted on one split and embeds the tracks of others."""

    def fit(self, dataset: Dataset, split: str = "train") -> "Baseline":
        """Learns what it learns; returns itself."""

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [E] of one log-mel [frames, bands], such as a judged clip's."""

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Whole tracks and their 3 s windows."""


def embed_tracks(frames_of: Pool, pool: Pool, dataset: Dataset, split: str, name: str) -> Embedded:
    """Embeds every track of a split, one in memory at a time.

    Args:
        frames_of: log-mel [frames, bands] -> rows [F, K], F = `frames`, or a whole window's if that is more.
        pool: those rows, all or one window's -> a vector.
        dataset, split: what to embed.
        name: for the progress line.

    Returns:
        `Embedded`; its windows are those of `dmml_tf.embed.split.embed_split`. A window's rows are cut
        from its track's, so that they may know what lies around it (an MFCC's derivatives do).

    Raises:
        UserError: as `read_tracks`.
    """
    signal = LogMelSignal(dataset.features)
    length = dataset.features.window_frames

    def songs(sounds: Iterable[Mapping]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for sound in sounds:
            frames = frames_of(sound["log_mel"])
            yield pool(frames), np.stack([pool(frames[first : first + length]) for first in signal.starts(sound)])

    return walk_split(songs, signal, dataset, split, name)


def filled_up(log_mel: np.ndarray, features: LogMel) -> np.ndarray:
    """The log-mel in float32; one shorter than a window is filled up with silence, as the network's windows are."""
    missing = max(features.window_frames - len(log_mel), 0)
    return np.pad(np.asarray(log_mel, np.float32), ((0, missing), (0, 0)))


def mean_and_deviation(frames: np.ndarray) -> np.ndarray:
    """float32 [2 K] of rows [F, K]: their means, then their standard deviations."""
    # In float64: the sum of many float32 loses digits.
    frames = frames.astype(np.float64)
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)]).astype(np.float32)


class ZScore:
    """Each number of a vector minus its mean, over its deviation, on the vectors [N, K] it is made from."""

    def __init__(self, vectors: np.ndarray):
        self._mean = vectors.mean(axis=0, dtype=np.float64)
        deviation = vectors.std(axis=0, dtype=np.float64)
        self._deviation = np.where(deviation > 1e-6, deviation, 1.0)  # a number that never changes stays 0

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """float32, of the same shape as `vectors` [..., K]."""
        return ((vectors - self._mean) / self._deviation).astype(np.float32)
