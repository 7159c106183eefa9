"""An audio file -> the embedding that its record would have."""

import os

import numpy as np
from tensorflow import keras

from dmml_tf.data.signal import cut_window
from dmml_tf.evaluation.embed import windows_of
from tfrecords_tools.audio import AudioError, load_mono
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

BATCH = 64
LEAST_SECONDS = 3.0


def embed_audio(path: str | os.PathLike, embedding: keras.Model, features: LogMel) -> np.ndarray:
    """Mean embedding of a file's non-overlapping 3 s windows (paper, section 3.3).

    Args:
        path: an audio file of at least 3 s; any rate, mono or stereo.
        embedding: log-mel float32 [batch, 129, 128] -> float32 [batch, E].
        features: the signal chain `embedding` was trained on.

    Returns:
        float32 [E], not normalised; equal to what the track's record gives.

    Raises:
        UserError: if the file cannot be used; names it and why.
    """
    try:
        samples = load_mono(path, features.sample_rate, least_seconds=LEAST_SECONDS)
    except AudioError as error:
        raise UserError(f"{os.fspath(path)}: {error}") from error
    # Records hold float16: rounded the same way, a file finds its own record at cosine 1.
    log_mel = features.extract(samples).astype(np.float16)
    frames = features.window_frames
    windows = np.stack([cut_window(log_mel, start) for start in windows_of(log_mel, frames, frames)])
    # Called directly: predict() would let Keras 3 choose XLA, which is slower on a CPU.
    batches = np.split(windows.astype(np.float32), range(BATCH, len(windows), BATCH))
    vectors = np.concatenate([embedding(batch, training=False) for batch in batches])
    return vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
