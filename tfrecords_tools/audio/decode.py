"""Audio files -> mono samples at one rate, through libsndfile, where it fails FFmpeg, and soxr."""

import functools
import os
import stat
from collections.abc import Iterator

import numpy as np
import soxr

from tfrecords_tools.audio.blocks import AudioError, Block, cut
from tfrecords_tools.audio.reading import read, seconds_of
from tfrecords_tools.notes import Note

__all__ = ["AudioError", "file_problem", "load_mono", "mono_blocks", "require_seconds", "seconds_of"]
# Beyond this, samples are not audio in -1..1 (some encoders overshoot 1, none a hundredfold).
_LARGEST_SAMPLE = 100.0
# Hz; headers outside it are damaged rather than unusual.
_BELIEVABLE_RATES = (1_000, 768_000)


def file_problem(path: str | os.PathLike) -> str | None:
    """Why there is no file to decode at `path`, or None where there is one. Does not open it."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):
            return f"is a broken symbolic link to '{os.readlink(os.fspath(path))}'"
        return "file not found"
    except (OSError, ValueError) as error:
        return f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
    if stat.S_ISDIR(status.st_mode):
        return "is a directory; name an audio file"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file (a pipe, a socket or a device)"
    if status.st_size == 0:
        return "file is empty"
    return None if os.access(path, os.R_OK) else "no permission to read the file"


def mono_blocks(
    path: str | os.PathLike,
    sample_rate: int,
    start_seconds: float = 0.0,
    max_seconds: float | None = None,
    notes: list[Note] | None = None,
) -> Iterator[np.ndarray]:
    """Decodes, mixes down (mean of the channels) and resamples a file, block by block.

    Args:
        path: an audio file that libsndfile or FFmpeg reads.
        sample_rate: Hz of the blocks; resampling is soxr's high quality.
        start_seconds: where in the file to begin.
        max_seconds: at most that much of the file; None takes all.
        notes: takes what was odd in the file; whole when the last block has come.

    Yields:
        float32 [samples]; a block's length varies.

    Raises:
        AudioError: if it cannot be decoded, is cut short, or holds samples that are not finite.
    """
    problem = file_problem(path)
    if problem:
        raise AudioError(problem)
    blocks = cut(*read(path, start_seconds, notes), max_seconds)
    yield from _resampled(blocks, sample_rate)


def _resampled(blocks: Iterator[Block], sample_rate: int) -> Iterator[np.ndarray]:
    """Each block as mono at `sample_rate`; where the rate of the sound changes, a new resampler begins."""
    end = np.zeros(0, np.float32)
    resampler, rate = None, 0
    for block in blocks:
        if block.rate != rate:
            if not _BELIEVABLE_RATES[0] <= block.rate <= _BELIEVABLE_RATES[1]:
                raise AudioError(f"its header says {block.rate} Hz, which no recording has; encode it again")
            if resampler is not None:
                yield resampler.resample_chunk(end, last=True)
            rate = block.rate
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        assert resampler is not None
        yield resampler.resample_chunk(_mix_down(block))
    yield end if resampler is None else resampler.resample_chunk(end, last=True)


def _mix_down(block: Block) -> np.ndarray:
    """float32 [frames]: the mean of the channels.

    The samples are judged before they are mixed: +inf and -inf on two sides would give NaN.
    """
    samples = block.samples
    # NaN passes through min and max and fails every comparison, so that this covers NaN, infinity and absurd levels.
    if len(samples) and not -_LARGEST_SAMPLE <= samples.min() <= samples.max() <= _LARGEST_SAMPLE:
        if np.isfinite(samples).all():
            raise AudioError(f"samples reach {np.abs(samples).max():.3g}; float audio must lie in -1..1")
        raise AudioError("holds samples that are NaN or infinite; export it again")
    # Column by column: numpy's mean over an axis of two is five times slower.
    return functools.reduce(np.add, samples.T[1:], samples[:, 0]) / np.float32(samples.shape[1])


def load_mono(
    path: str | os.PathLike,
    sample_rate: int,
    max_seconds: float | None = None,
    start_seconds: float = 0.0,
) -> np.ndarray:
    """Samples of one file, float32 [samples] in about -1..1, mono, at `sample_rate` Hz.

    >>> dmml.load_audio("a.wav", 22_050, max_seconds=3.0).shape
    (66150,)

    Args:
        path: an audio file that libsndfile reads (wav, flac, ogg, mp3), or FFmpeg (m4a, ...).
        sample_rate: Hz; the paper's chain needs 22,050, madmom 44,100.
        max_seconds: at most that much; None takes all.
        start_seconds: where in the file to begin.

    Raises:
        AudioError: with a reason a user can act on: missing, a directory, no permission, empty, no audio,
            cut short, samples that are not finite.
    """
    return np.concatenate(list(mono_blocks(path, sample_rate, start_seconds, max_seconds)))


def require_seconds(seconds: float, least: float) -> None:
    """Raises `AudioError` if `seconds` of audio are less than `least`, within a millisecond.

    The millisecond is what rounding in a resampler may cost a file of exactly `least` seconds.
    """
    if seconds < least - 1e-3:
        raise AudioError(f"too short: {seconds:.2f} s, at least {least:g} s are needed")
