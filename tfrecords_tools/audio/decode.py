"""Audio files -> mono samples at one rate, through libsndfile, where it fails FFmpeg, and soxr."""

import functools
import os
import stat
from collections.abc import Iterator

import numpy as np
import soundfile
import soxr

from tfrecords_tools.audio.ffmpeg import UNKNOWN_FRAMES, FFmpegError, FFmpegFile
from tfrecords_tools.audio.wholeness import is_chained, missing_end, unannounced_samples
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.notes import Note

# Frames of the file decoded at a time: memory does not grow with a track's length.
_BLOCK_FRAMES = 1 << 16
# Beyond this, samples are not audio in -1..1 (some encoders overshoot 1, none a hundredfold).
_LARGEST_SAMPLE = 100.0
# Hz; headers outside it are damaged rather than unusual.
_BELIEVABLE_RATES = (1_000, 768_000)
# Seconds a file may fall short of what its header announces (encoders round and pad).
_SHORTFALL = 0.5
# Samples by which libsndfile's guess of an mp3's length may be short: four frames.
_GUESS_SHORT = 4 * 1152


class AudioError(UserError):
    """One audio file that cannot be used; the message is the reason, without the file's name."""


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
    problem = file_problem(path) or missing_end(path)
    if problem:
        raise AudioError(problem)
    try:
        with _opened(path) as file:
            yield from _resampled(file, sample_rate, start_seconds, max_seconds)
    except (soundfile.LibsndfileError, FFmpegError) as error:
        raise AudioError(f"cannot be decoded as audio ({_reason(error)}); copy or encode it again") from error


def _opened(path: str | os.PathLike) -> soundfile.SoundFile | FFmpegFile:
    """The file in libsndfile, or in FFmpeg where libsndfile does not know its format or would not read all of it."""
    try:
        file = _Sequential(os.fspath(path))
    except soundfile.LibsndfileError as error:
        _require_ffmpeg(f"cannot be decoded as audio ({_reason(error)}); any format but wav, flac, ogg and mp3")
        try:
            return FFmpegFile(path)
        except FFmpegError:
            raise AudioError(
                f"cannot be decoded as audio ({_reason(error)}); wav, flac, ogg, mp3 and what FFmpeg reads are taken"
            ) from error
    counted = None
    if file.format == "MP3":
        counted = unannounced_samples(path)
    elif file.format == "OGG" and is_chained(path):
        counted = UNKNOWN_FRAMES
    if counted is None:
        return file
    if counted <= file.frames + _GUESS_SHORT:
        file.frames = counted
        return file
    file.close()
    _require_ffmpeg("is a file of which libsndfile reads a part only; the whole")
    whole = FFmpegFile(path)
    whole.frames = counted
    return whole


def _require_ffmpeg(what: str) -> None:
    """Raises `AudioError` with the way to mend it if PyAV is not installed."""
    try:
        require_extra("audio", what, "av")
    except UserError as missing:
        raise AudioError(str(missing)) from missing


def _reason(error: soundfile.LibsndfileError | FFmpegError) -> str:
    if isinstance(error, FFmpegError):
        return str(error)
    reason = error.error_string.strip(" .")
    # What libsndfile says of a file named .mp3 that is something else; the file was looked at before.
    return "Format not recognised" if reason.startswith("File does not exist") else reason


class _Sequential(soundfile.SoundFile):
    """A file read from one place to its end.

    soundfile seeks to where it is after each read. In an mp3 that loses the decoder's state, and the next
    block begins with a tenth of a second of wrong samples; it leaves the seek out where it is told it cannot.
    `frames` may be set where it is better known than from the header.
    """

    frames = 0

    def __init__(self, path: str):
        super().__init__(path)
        self.frames = super().frames

    def seekable(self) -> bool:
        """False, see above; `seek` still works."""
        return False


def _resampled(
    file: soundfile.SoundFile | FFmpegFile, sample_rate: int, start: float, seconds: float | None
) -> Iterator[np.ndarray]:
    if not _BELIEVABLE_RATES[0] <= file.samplerate <= _BELIEVABLE_RATES[1]:
        raise AudioError(f"its header says {file.samplerate} Hz, which no recording has; encode it again")
    first = min(int(start * file.samplerate), file.frames)
    if first:
        file.seek(first)
    wanted = file.frames - first if seconds is None else min(int(seconds * file.samplerate), file.frames - first)
    resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
    read = 0
    while read < wanted:
        block = _mix_down(file.read(min(_BLOCK_FRAMES, wanted - read), dtype="float32", always_2d=True))
        if not len(block):
            break
        read += len(block)
        yield resampler.resample_chunk(block)
    if wanted - read > _SHORTFALL * file.samplerate and file.frames != UNKNOWN_FRAMES:
        raise AudioError(
            f"is cut short: the header announces {wanted / file.samplerate:.1f} s, "
            f"{read / file.samplerate:.1f} s could be decoded; copy or encode it again"
        )
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _mix_down(block: np.ndarray) -> np.ndarray:
    """float32 [frames] from [frames, channels].

    The samples are judged before they are mixed: +inf and -inf on two sides would give NaN.
    """
    # NaN passes through min and max and fails every comparison, so that this covers NaN, infinity and absurd levels.
    if len(block) and not -_LARGEST_SAMPLE <= block.min() <= block.max() <= _LARGEST_SAMPLE:
        if np.isfinite(block).all():
            raise AudioError(f"samples reach {np.abs(block).max():.3g}; float audio must lie in -1..1")
        raise AudioError("holds samples that are NaN or infinite; export it again")
    # Column by column: numpy's mean over an axis of two is five times slower.
    return functools.reduce(np.add, block.T[1:], block[:, 0]) / np.float32(block.shape[1])


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


def seconds_of(path: str | os.PathLike) -> float | None:
    """Duration by the file's header, in seconds; None where it has none to be read. Decodes nothing."""
    try:
        with _opened(path) as file:
            known = file.samplerate and file.frames != UNKNOWN_FRAMES
            return file.frames / file.samplerate if known else None
    except (AudioError, FFmpegError, OSError, ValueError):
        return None
