"""An audio file as its record would hold it, and the embedding that its record would have."""

import os

import numpy as np

from dmml_tf.data.signal import Signal
from dmml_tf.embed.embedder import Embedder
from tfrecords_tools.audio.decode import AudioError, mono_blocks, require_seconds, require_sound
from tfrecords_tools.audio.extract import LEAST_SECONDS
from tfrecords_tools.errors import UserError


def embed_audio(path: str | os.PathLike, embedder: Embedder) -> np.ndarray:
    """Mean embedding of a file's non-overlapping 3 s windows.

    Args:
        path: an audio file of at least 3 s; any rate, mono or stereo.
        embedder: of the trained network.

    Returns:
        float32 [E], not normalised; equal to what the track's record gives.

    Raises:
        UserError: if the file cannot be used; names it and why.
    """
    sound, _ = read_sound(path, embedder.signal)
    return embedder.song(sound)


def read_sound(
    path: str | os.PathLike, signal: Signal, max_seconds: float | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Decodes a file block by block.

    Args:
        path: an audio file of at least 3 s; any rate, mono or stereo.
        signal: which of a record's two forms of sound.
        max_seconds: at most that much; None takes all.

    Returns:
        {"log_mel": float16 [frames, 128]} or {"audio": int16 [samples]} at the signal chain's rate, rounded as in
        records, so that whatever is cut from either is the same; and the seconds read.

    Raises:
        UserError: if the file cannot be used; names it and why.
    """
    rate = signal.features.sample_rate
    try:
        sound, samples, loudness = signal.read(mono_blocks(path, rate, max_seconds=max_seconds))
        require_seconds(samples / rate, LEAST_SECONDS)
        require_sound(loudness)
    except AudioError as error:
        raise UserError(f"{os.fspath(path)}: {error}") from error
    return sound, samples / rate
