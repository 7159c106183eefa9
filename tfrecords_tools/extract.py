"""What a worker process does for one track: decode, resample, log-mel, tempo. Imports no TensorFlow."""

import dataclasses

import numpy as np

from tfrecords_tools.audio import AudioError, mono_blocks, require_seconds
from tfrecords_tools.features import LogMel
from tfrecords_tools.tempo import estimate_tempo_of_file

# Seconds of one excerpt: a shorter track has no window to learn from.
LEAST_SECONDS = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """One track: its audio file, and whether its tempo is to be estimated by madmom."""

    path: str
    tempo: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """float16 log-mel [frames, 128], the audio's seconds, and beats per minute (None: not asked, or none)."""

    log_mel: np.ndarray
    duration: float
    tempo: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """Why a track could not be used."""

    reason: str


def extract(task: Task) -> Extracted | Refused:
    """Features of one track by the signal chain of `LogMel`; in memory, a track's log-mel and one block of audio."""
    chain = LogMel()
    try:
        log_mel, samples = chain.extract_blocks(mono_blocks(task.path, chain.sample_rate), "float16")
        require_seconds(samples / chain.sample_rate, LEAST_SECONDS)
        tempo = estimate_tempo_of_file(task.path) if task.tempo else None
    except AudioError as error:
        return Refused(str(error))
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        # From inside a decoder or madmom: one file's trouble must not end the others.
        return Refused(f"cannot be processed ({type(error).__name__}: {error})")
    # 3 s and a rounding below may lack the last frame of the window; silence of one frame completes it.
    lacking = max(0, chain.window_frames - len(log_mel))
    return Extracted(np.pad(log_mel, ((0, lacking), (0, 0))), samples / chain.sample_rate, tempo)
