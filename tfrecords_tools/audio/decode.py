"""Audio files -> mono samples at one rate, through libsndfile, where it fails FFmpeg, and soxr."""

import itertools
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import soxr

from tfrecords_tools.audio.blocks import AudioError, Block, cut
from tfrecords_tools.audio.downmix import USUAL_CHANNELS, Downmix
from tfrecords_tools.audio.part import Part
from tfrecords_tools.audio.reading import read, seconds_of
from tfrecords_tools.loudness import SILENT
from tfrecords_tools.notes import Note

__all__ = ["AudioError", "file_problem", "load_mono", "mono_blocks", "require_seconds", "require_sound", "seconds_of"]
# Beyond this, samples are not audio in -1..1 (some encoders overshoot 1, none a hundredfold).
LARGEST_SAMPLE = 100.0
# Hz; headers outside it are damaged rather than unusual.
BELIEVABLE_RATES = (1_000, 768_000)
# Hz; of one-bit sound (DSD512 and before), of whose samples FFmpeg makes one out of eight.
_HIGHEST_RATE = 3_072_000


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
    parts: Sequence[Part] | None = None,
) -> Iterator[np.ndarray]:
    """Decodes, mixes down (see `downmix`) and resamples a file, block by block.

    Args:
        path: an audio file that libsndfile or FFmpeg reads.
        sample_rate: Hz of the blocks; resampling is soxr's high quality.
        start_seconds: where in the file to begin.
        max_seconds: at most that much of the file; None takes all.
        notes: takes what was odd in the file; whole when the last block has come.
        parts: what `reading.parts_in` found in it, for who reads one file often; None looks.

    Yields:
        float32 [samples]; a block's length varies.

    Raises:
        AudioError: if it cannot be decoded, is cut short, or holds samples that are not finite.
    """
    problem = file_problem(path)
    if problem:
        raise AudioError(problem)
    blocks = cut(*read(path, start_seconds, notes, parts, max_seconds), max_seconds)
    odd: list[Note] = []
    for (rate, names), stream in itertools.groupby(blocks, _stream):
        if not BELIEVABLE_RATES[0] <= rate <= _HIGHEST_RATE:
            raise AudioError(f"its header says {rate} Hz, which no recording has; encode it again")
        yield from _mono(stream, rate, names, sample_rate, odd)
    yield np.zeros(0, np.float32)
    if notes is not None:
        notes += odd


def _stream(block: Block) -> tuple[int, tuple[str, ...]]:
    """What may change in the middle of a file: the rate, and the channels by name."""
    count = block.samples.shape[1]
    return block.rate, block.channels or USUAL_CHANNELS.get(count, ("",) * count)


def _mono(
    blocks: Iterable[Block], rate: int, names: Sequence[str], sample_rate: int, odd: list[Note]
) -> Iterator[np.ndarray]:
    """One stream's blocks, mixed down and resampled."""
    downmix = Downmix(names, rate)
    resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
    for block in blocks:
        _require_audio(block.samples)
        yield from map(resampler.resample_chunk, downmix.add(block.samples))
    yield from map(resampler.resample_chunk, downmix.end())
    odd += downmix.notes()
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _require_audio(samples: np.ndarray) -> None:
    """Raises `AudioError` if samples are no audio. Before they are mixed: +inf and -inf on two sides would give NaN."""
    # NaN passes through min and max and fails every comparison, so that this covers NaN, infinity and absurd levels.
    if len(samples) and not -LARGEST_SAMPLE <= samples.min() <= samples.max() <= LARGEST_SAMPLE:
        if np.isfinite(samples).all():
            raise AudioError(f"samples reach {np.abs(samples).max():.3g}; float audio must lie in -1..1")
        raise AudioError("holds samples that are NaN or infinite; export it again")


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


class SilentError(AudioError):
    """A file without anything to hear."""


def require_sound(loudness: float) -> None:
    """Raises `SilentError` if audio of that loudness (LUFS) is `tfrecords_tools.loudness.SILENT`."""
    if loudness == SILENT:
        raise SilentError("is silent: nothing in it is louder than -70 LUFS")
