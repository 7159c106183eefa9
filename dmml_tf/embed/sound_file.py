"""An audio file as its record would hold it, so that whatever is cut from either is the same."""

import os

import numpy as np

from dmml_tf.data.signal import Signal
from tfrecords_tools.audio.decode import AudioError, mono_blocks, require_seconds
from tfrecords_tools.audio.extract import LEAST_SECONDS, as_pcm
from tfrecords_tools.errors import UserError


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
        records, which `signal.cut` takes; and the seconds read.

    Raises:
        UserError: if the file cannot be used; names it and why.
    """
    chain = signal.features
    try:
        blocks = mono_blocks(path, chain.sample_rate, max_seconds=max_seconds)
        if signal.field == "log_mel":
            sound, samples = chain.extract_blocks(blocks, "float16")
        else:
            sound = np.concatenate([as_pcm(block) for block in blocks])
            samples = len(sound)
        require_seconds(samples / chain.sample_rate, LEAST_SECONDS)
    except AudioError as error:
        raise UserError(f"{os.fspath(path)}: {error}") from error
    return {signal.field: sound}, samples / chain.sample_rate
