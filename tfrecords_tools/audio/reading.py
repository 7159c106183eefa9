"""Files of sound -> blocks of samples: which decoder reads which file, and whether it gave all that is there."""

import importlib.util
import os
from collections.abc import Iterator

from tfrecords_tools.audio.blocks import AudioError, Block, DecodeError
from tfrecords_tools.audio.ffmpeg import FFmpegFile
from tfrecords_tools.audio.sndfile import SndFile
from tfrecords_tools.audio.wholeness import is_chained, missing_end, unannounced_samples
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.notes import Note

# Seconds a file may fall short of what its header announces (encoders round and pad).
_SHORTFALL = 0.5
# Samples by which libsndfile's guess of an mp3's length may be short: four frames.
_GUESS_SHORT = 4 * 1152


def read(path: str | os.PathLike, start: float, notes: list[Note] | None) -> tuple[Iterator[Block], float]:
    """The sound of a file from `start` (s) or an earlier place on, and how far behind that place `start` is (s).

    Args:
        path: of a file that was looked at.
        start: seconds from its beginning.
        notes: takes what was odd in the file; whole when the last block has come.

    Raises:
        AudioError: if it cannot be decoded or is cut short; also while it is read.
    """
    problem = missing_end(path)
    if problem:
        raise AudioError(problem)
    file = _opened(path)
    if isinstance(file, FFmpegFile):
        return _whole(file, file.blocks(), 0), start
    first = min(int(start * file.rate), file.frames)
    return _whole(file, file.blocks(first), first), 0.0


def _whole(file: SndFile | FFmpegFile, blocks: Iterator[Block], done: int) -> Iterator[Block]:
    """Passes the blocks on, and raises `AudioError` if their end comes too early."""
    with file:
        try:
            for block in blocks:
                done += len(block.samples)
                yield block
        except DecodeError as error:
            raise AudioError(f"cannot be decoded as audio ({error}); copy or encode it again") from error
        if file.frames is not None and file.frames - done > _SHORTFALL * file.rate:
            raise AudioError(
                f"is cut short: the header announces {file.frames / file.rate:.1f} s, "
                f"{done / file.rate:.1f} s could be decoded; copy or encode it again"
            )


def _opened(path: str | os.PathLike) -> SndFile | FFmpegFile:
    """The file in libsndfile, or in FFmpeg where libsndfile does not know its format or would not read all of it."""
    try:
        file = SndFile(path)
    except DecodeError as error:
        _require_ffmpeg(f"cannot be decoded as audio ({error}); any format but wav, flac, ogg and mp3")
        try:
            return FFmpegFile(path)
        except DecodeError:
            raise AudioError(
                f"cannot be decoded as audio ({error}); wav, flac, ogg, mp3 and what FFmpeg reads are taken"
            ) from error
    counted = None
    if file.format == "MP3":
        counted = unannounced_samples(path)
    elif file.format == "OGG" and is_chained(path):
        file.close()
        _require_ffmpeg("is a file of which libsndfile reads a part only; the whole")
        return FFmpegFile(path)
    if counted is not None and counted > file.frames + _GUESS_SHORT:
        file.close()
        _require_ffmpeg("is a file of which libsndfile reads a part only; the whole")
        whole = FFmpegFile(path)
        whole.frames = counted
        return whole
    if counted is not None:
        file.frames = counted
    elif file.channels > 2 and importlib.util.find_spec("av"):
        file.close()
        return FFmpegFile(path)
    return file


def _require_ffmpeg(what: str) -> None:
    """Raises `AudioError` with the way to mend it if PyAV is not installed."""
    try:
        require_extra("audio", what, "av")
    except UserError as missing:
        raise AudioError(str(missing)) from missing


def seconds_of(path: str | os.PathLike) -> float | None:
    """Duration by the file's header, in seconds; None where it has none to be read. Decodes nothing."""
    try:
        with _opened(path) as file:
            return file.frames / file.rate if file.rate and file.frames is not None else None
    except (AudioError, DecodeError, OSError, ValueError):
        return None
