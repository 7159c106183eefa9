"""What a worker process does for one track: decode, resample, log-mel, tempo. Imports no TensorFlow."""

import dataclasses
import os
from collections.abc import Iterable, Iterator

import numpy as np

from tfrecords_tools.audio.decode import AudioError, SilentError, mono_blocks, require_seconds, require_sound
from tfrecords_tools.audio.excerpts import excerpt_blocks
from tfrecords_tools.audio.tempo import MADMOM
from tfrecords_tools.audio.tempo_cache import cached_tempo
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.notes import Note
from tfrecords_tools.stores.address import is_address
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.stores.store import NotThere, StoreError, answers

# Raised where a file gives other features than before: a dataset of an earlier number is no build of the same input.
EXTRACTION = 3
# Seconds of one excerpt: a shorter track has no window to learn from.
LEAST_SECONDS = 3.0
# Bytes of a track's arrays: a protocol buffer ends at 2 GiB, and everything else in the record needs little.
MOST_BYTES = 2_000_000_000
PCM_SCALE = 32_767.0  # a sample of 1 as records hold it, an int16
PCM_UNIT = 1 / 2**15  # the sample that an int16 of 1 is read as
_PCM_BYTES = 2
# Share of samples; a few peaks of a drum are not heard.
_NOTED_CLIPPING = 1e-3
# Seconds: hours of digital silence may be a megabyte, and a disk may be far away.
_PATIENCE = 300.0
_PATIENCE_A_BYTE = 20e-6
_PATIENCE_FAR = 1800.0  # a store's object, whose size is not known before it comes, at the third attempt perhaps


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """One track.

    Attributes:
        path: its audio file, or the address of one.
        tempo_seconds: madmom estimates the tempo on at most this much of the middle; None does not ask it.
        tempo_cache: folder or address of `tempo_cache.cached_tempo`.
        tempo_by: one of `tempo.ESTIMATORS`.
        max_seconds: at most that much from the beginning (s); None takes all.
        audio: keeps the PCM too.
        features: the signal chain.
        excerpts: hears so many windows, spread over the track, in place of all of it; 0 hears all.
    """

    path: str
    tempo_seconds: float | None = None
    tempo_cache: str = ""
    tempo_by: str = MADMOM
    max_seconds: float | None = None
    audio: bool = False
    features: LogMel = PAPER_CHAIN
    excerpts: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """Features of one track.

    Attributes:
        log_mel: float16 [frames, 128]; of excerpts one window each, in their order.
        duration: seconds of the track.
        tempo: beats per minute; None where it was not asked for, or there is none.
        audio: int16 [samples] at 22,050 Hz, or None where it was not asked for.
        notes: what was odd in the file.
    """

    log_mel: np.ndarray
    duration: float
    tempo: float | None
    audio: np.ndarray | None = None
    notes: tuple[Note, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """Why a track could not be used, and what else was odd in its file.

    `for_all`: it is not this file that cannot be had: its store does not answer. Then nothing is said of the track.
    """

    reason: str
    notes: tuple[Note, ...] = ()
    for_all: bool = False


def extract(task: Task) -> Extracted | Refused:
    """Extracts the features of one track; one at an address is copied to a temporary file meanwhile.

    In memory: 10 s of audio (`downmix`: its channels and their mix) and what is kept of the whole track, 11 kB a second
    of log-mel (3 h: 119 MB) and with `audio` 44 kB a second of PCM (3 h: 476 MB), or while it waits for its
    loudness 88 kB.
    """
    if not is_address(task.path):
        return _extract(task)
    try:
        with local_copy(task.path) as path:
            return _extract(dataclasses.replace(task, path=path))
    except StoreError as error:
        return Refused(error.reason, for_all=not (isinstance(error, NotThere) or answers(task.path)))


def _extract(task: Task) -> Extracted | Refused:
    chain = task.features
    pcm: list[np.ndarray] | None = [] if task.audio else None
    notes: list[Note] = []
    try:
        blocks, seconds = _sound(task, notes)
        log_mel, samples, loudness = chain.extract_blocks(_kept(blocks, chain, pcm), "float16")
        seconds = samples / chain.sample_rate if seconds is None else seconds
        require_seconds(seconds, LEAST_SECONDS)
        require_sound(loudness)
        longest = task.tempo_seconds
        tempo = None if longest is None else cached_tempo(task.path, longest, task.tempo_cache, task.tempo_by)
    except SilentError as error:
        return Refused(str(error), (*notes, Note("silence", str(error), "left out")))
    except AudioError as error:
        return Refused(str(error), tuple(notes))
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        # From inside a decoder or madmom: one file's trouble must not end the others.
        return Refused(f"cannot be processed ({type(error).__name__}: {error})", tuple(notes))
    # 3 s and a rounding below may lack the last frame of the window; silence of one frame completes it.
    lacking = max(0, chain.window_frames - len(log_mel))
    log_mel = np.pad(log_mel, ((0, lacking), (0, 0))) if lacking else log_mel
    audio = None if pcm is None else _levelled(pcm, chain, loudness, notes)
    return Extracted(log_mel, seconds, tempo, audio, tuple(notes))


def _sound(task: Task, notes: list[Note]) -> tuple[Iterator[np.ndarray], float | None]:
    """What is heard of the track, block by block, and its seconds where they are known before."""
    chain = task.features
    if task.excerpts and (
        excerpts := excerpt_blocks(task.path, chain.sample_rate, task.excerpts, chain.window_frames * chain.hop, notes)
    ):
        return excerpts
    return mono_blocks(task.path, chain.sample_rate, max_seconds=task.max_seconds, notes=notes), None


def require_answer(path: str, refused: Refused) -> None:
    """Raises `UserError` if a file was refused because its store does not answer: no other could be had either."""
    if refused.for_all:
        raise UserError(f"{path}: {refused.reason}; its store does not answer for its folder either")


def patience(task: Task) -> float:
    """Seconds that `extract` may take at most, far more than it needs: beyond them a decoder goes in circles."""
    if is_address(task.path):
        return _PATIENCE_FAR + (task.tempo_seconds or 0.0)
    try:
        size = os.stat(task.path).st_size
    except (OSError, ValueError):
        size = 0
    return _PATIENCE + _PATIENCE_A_BYTE * size + (task.tempo_seconds or 0.0)


def bytes_per_second(chain: LogMel, audio: bool) -> float:
    """Bytes that a record holds of each second of its track, without or with its PCM."""
    return chain.frames_per_second * chain.n_mels * 2 + (chain.sample_rate * _PCM_BYTES if audio else 0)


def _kept(blocks: Iterable[np.ndarray], chain: LogMel, pcm: list[np.ndarray] | None) -> Iterator[np.ndarray]:
    """Passes blocks through, and appends each to `pcm`: as int16, or where a gain is still to come as it is."""
    left = MOST_BYTES / bytes_per_second(chain, pcm is not None) * chain.sample_rate
    for block in blocks:
        left -= len(block)
        if left < 0:
            raise AudioError("is too long for one record of 2 GiB; give --max_seconds, or cut it")
        if pcm is not None:
            pcm.append(as_pcm(block) if chain.loudness is None else block)
        yield block


def _levelled(pcm: list[np.ndarray], chain: LogMel, loudness: float, notes: list[Note]) -> np.ndarray:
    """int16 [samples] of what `_kept` appended, at the chain's loudness; notes where much of it is clipped."""
    if chain.loudness is None:
        return np.concatenate(pcm)
    gain = chain.gain_of(loudness)
    clipped = sum(np.count_nonzero(np.abs(block) * gain > 1.0) for block in pcm) / max(1, sum(map(len, pcm)))
    if clipped > _NOTED_CLIPPING:
        what = f"{clipped:.2%} of its samples are beyond full scale at {chain.loudness:g} LUFS"
        notes.append(Note("loudness", what, "they are clipped in the record's audio; its log-mel is whole"))
    return np.concatenate([as_pcm(block, gain) for block in pcm])


def as_pcm(samples: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Samples in -1..1, times `gain`, as records hold them: int16 of the same shape; what lies beyond is clipped."""
    return np.rint(np.clip(np.float32(gain) * samples, -1.0, 1.0) * PCM_SCALE).astype(np.int16)


def from_pcm(samples: np.ndarray) -> np.ndarray:
    """int16 samples of a record as float32 in -1..1, of the same shape."""
    return samples.astype(np.float32) * PCM_UNIT
