"""An audio file -> the embedding that its record would have."""

import os

import numpy as np
from tensorflow import keras

from dmml_tf.data.signal import signal_for
from dmml_tf.embed.sound_file import read_sound
from dmml_tf.embed.split import windows_of
from tfrecords_tools.features import LogMel

BATCH = 64


def embed_audio(path: str | os.PathLike, embedding: keras.Model, features: LogMel) -> np.ndarray:
    """Mean embedding of a file's non-overlapping 3 s windows (paper, section 3.3).

    Args:
        path: an audio file of at least 3 s; any rate, mono or stereo.
        embedding: log-mel float32 [batch, 129, 128], or samples float32 [batch, 66150] -> float32 [batch, E].
        features: the signal chain `embedding` was trained on.

    Returns:
        float32 [E], not normalised; equal to what the track's record gives.

    Raises:
        UserError: if the file cannot be used; names it and why.
    """
    signal = signal_for(embedding)
    row, _ = read_sound(path, signal)
    starts = windows_of(range(signal.frames(row)), features.window_frames, features.window_frames)
    return embed_windows(embedding, row, starts).mean(axis=0, dtype=np.float64).astype(np.float32)


def embed_windows(embedding: keras.Model, row: dict[str, np.ndarray], starts: np.ndarray) -> np.ndarray:
    """float32 [W, E] of the windows of a sound, as `read_sound` gives it, that begin at frames `starts`, int [W]."""
    signal, parts = signal_for(embedding), []
    for first in range(0, len(starts), BATCH):
        batch = np.stack([signal.cut(row, start) for start in starts[first : first + BATCH]])
        # Called directly: predict() would let Keras 3 choose XLA, which is slower on a CPU.
        parts.append(np.asarray(embedding(batch, training=False)))
    return np.concatenate(parts)
