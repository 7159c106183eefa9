"""Files of sound -> blocks of samples: which decoder reads which part, and whether it gave all that is there."""

import importlib.util
import os
from collections.abc import Generator, Iterator, Sequence

from tfrecords_tools.audio.blocks import BLOCK_FRAMES, AudioError, Block, DecodeError
from tfrecords_tools.audio.ffmpeg import FFmpegFile
from tfrecords_tools.audio.part import CUT_SHORT, MOST_PARTS, WHOLE, Part
from tfrecords_tools.audio.parts import next_flac, parts_of
from tfrecords_tools.audio.sndfile import SndFile
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.notes import Note

# Seconds a file may fall short of what its header announces (encoders round and pad).
_SHORTFALL = 0.5
# What libsndfile says of a length that it does not know lies beyond.
_UNKNOWN_FRAMES = 1 << 60
# Formats that `parts_of` knows: one that a decoder found behind other bytes.
_KNOWN = ("MP3", "mp3", "flac", "wav", "aiff", "caf", "ogg")


def read(
    path: str | os.PathLike,
    start: float,
    notes: list[Note] | None,
    parts: Sequence[Part] | None = None,
    seconds: float | None = None,
) -> tuple[Iterator[Block], float]:
    """The sound of a file from `start` (s) or an earlier place on, and how far behind that place `start` is (s).

    Args:
        path: of a file that was looked at.
        start: seconds from its beginning.
        notes: takes what was odd in the file; whole when the last block has come.
        parts: what `parts_in` found in it; None looks.
        seconds: how much of it will be read, so that little more is decoded; None does not know.

    Raises:
        AudioError: if it cannot be decoded or is cut short; also while it is read.
    """
    notes = [] if notes is None else notes
    parts = parts_in(path, notes) if parts is None else parts
    if len(parts) > 1 or not start:
        return _in_turn(path, parts, notes), start
    file = _opened(path, parts[0])
    if isinstance(file, FFmpegFile):
        return _with_joined(path, _whole(path, file, parts[0], 0, notes), notes), start
    first = min(int(start * file.rate), file.frames)
    return _with_joined(path, _whole(path, file, parts[0], first, notes, _block_size(seconds, file.rate)), notes), 0.0


def seconds_of(path: str | os.PathLike, parts: Sequence[Part] | None = None) -> float | None:
    """Duration in seconds, where two sources agree on it; None where only decoding would tell. Decodes nothing.

    The sources are a header and the size, or a walk over the pages, frames or packets.

    Args:
        path: of a file.
        parts: what `parts_in` found in it; None looks.
    """
    try:
        lengths = [_seconds(path, part) for part in (parts_in(path, []) if parts is None else parts)]
    except (AudioError, OSError, ValueError):
        return None
    known = [length for length in lengths if length is not None]
    return sum(known) if len(known) == len(lengths) else None


def parts_in(path: str | os.PathLike, notes: list[Note]) -> Sequence[Part]:
    """What there is to be read in a file, one behind another; at least one part. All pages of an Ogg file are walked.

    Raises:
        AudioError: if it cannot be decoded or is cut short.
    """
    parts = parts_of(path, notes)
    if parts:
        return parts
    problem: AudioError | None = None
    try:
        with _opened(path, WHOLE) as file:
            if file.format not in _KNOWN:
                return [WHOLE]
    except AudioError as error:
        problem = error
    parts = parts_of(path, notes, search=True)
    if not parts and problem:
        raise problem
    return parts or [WHOLE]


def _block_size(seconds: float | None, rate: int) -> int:
    """Frames of each of the fewest blocks that hold so many seconds and hardly more."""
    if seconds is None:
        return BLOCK_FRAMES
    frames = int(seconds * rate) + 1
    return -(-frames // -(-frames // BLOCK_FRAMES))


def _in_turn(path: str | os.PathLike, parts: Sequence[Part], notes: list[Note]) -> Iterator[Block]:
    for part in parts:
        yield from _with_joined(path, _whole(path, _opened(path, part), part, 0, notes), notes)


def _with_joined(
    path: str | os.PathLike, blocks: Generator[Block, None, Sequence[Part]], notes: list[Note]
) -> Iterator[Block]:
    """The blocks of one part, and of the files joined to it that showed only when it had been read."""
    waiting = yield from blocks
    files = 1
    while waiting:
        part, *others = waiting
        files += 1
        if files > MOST_PARTS:
            raise AudioError(f"is in more than {MOST_PARTS} pieces; encode it again")
        found = yield from _whole(path, _opened(path, part), part, 0, notes)
        waiting = [*found, *others]
    if files > 1:
        notes.append(Note("streams", f"{files} files one behind another", "all of them were taken"))


def _whole(
    path: str | os.PathLike,
    file: SndFile | FFmpegFile,
    part: Part,
    done: int,
    notes: list[Note],
    size: int = BLOCK_FRAMES,
) -> Generator[Block, None, Sequence[Part]]:
    """The blocks from frame `done` on; `AudioError` if their end comes too early. Returns what is joined to them."""
    seconds = done / file.rate if file.rate else 0.0
    forms: set[tuple[int, int]] = set()
    behind: Sequence[Part] = ()
    with file:
        try:
            for block in file.blocks(done, size) if isinstance(file, SndFile) else file.blocks():
                done += len(block.samples)
                seconds += len(block.samples) / block.rate
                forms.add((block.rate, block.samples.shape[1]))
                yield block
        except DecodeError as error:
            if not (part.announced and done >= part.announced):
                raise AudioError(f"cannot be decoded as audio ({error}); copy or encode it again") from error
            behind = next_flac(path, part, notes)
            if not behind:
                notes.append(Note("damage", "what stands behind its sound is none", "it was left out"))
        if len(forms) > 1:
            said = ", ".join(f"{channels} of {rate} Hz" for rate, channels in sorted(forms))
            notes.append(Note("streams", f"its channels or their rate change: {said}", "all of it was taken"))
        _compare(file, part, seconds, notes)
    return behind


def _compare(file: SndFile | FFmpegFile, part: Part, seconds: float, notes: list[Note]) -> None:
    """Compares what was read of a part with what is known of it."""
    if isinstance(file, FFmpegFile):
        missing = file.missing(seconds)
        if file.damaged:
            notes.append(Note("damage", f"{file.damaged} of its packets cannot be decoded", "they were left out"))
        if file.is_followed:
            notes.append(Note("damage", "what stands behind its sound is none", "it was left out"))
    elif part.announced:
        missing = part.announced / file.rate - seconds
    else:
        missing = 0.0
        lost = file.frames / file.rate - seconds if part.counted else 0.0
        if lost > _SHORTFALL:
            notes.append(Note("damage", f"{lost:.1f} s in its middle cannot be decoded", "the rest was taken"))
    if missing > _SHORTFALL:
        said = f"the header announces {seconds + missing:.1f} s, {seconds:.1f} s could be decoded"
        raise AudioError(CUT_SHORT.format(said))
    if part.announced and missing < -_SHORTFALL:
        said = f"its header announces {seconds + missing:.1f} s, there are {seconds:.1f} s"
        notes.append(Note("length", said, "all of it was taken"))


def _seconds(path: str | os.PathLike, part: Part) -> float | None:
    try:
        with _opened(path, part) as file:
            if isinstance(file, SndFile):
                if file.format == "FLAC" and next_flac(path, part, []):
                    return None
                frames = part.announced or file.frames
                known = frames < _UNKNOWN_FRAMES and (part.counted or (file.format != "OGG" and file.ends_at(frames)))
                if known:
                    return frames / file.rate
                if file.format == "OGG" or not _has_ffmpeg():
                    return None
                with FFmpegFile(path, part) as counted:
                    return counted.count_seconds()
            # An Ogg file's positions are all that either decoder goes by.
            return file.count_seconds() if file.format != "ogg" or part.counted else None
    except DecodeError:
        return None


def _has_ffmpeg() -> bool:
    return importlib.util.find_spec("av") is not None


def _opened(path: str | os.PathLike, part: Part) -> SndFile | FFmpegFile:
    """The part in libsndfile, or in FFmpeg where libsndfile does not know its format or would not read all of it.

    Raises:
        AudioError: if neither can open it.
    """
    if not part.whole:
        return _opened_by_ffmpeg(path, part, "is a file of which libsndfile reads a part only; the whole")
    try:
        file = SndFile(path, part)
    except DecodeError as error:
        what = f"cannot be decoded as audio ({error})"
        taken = f"{what}; wav, flac, ogg, mp3 and what FFmpeg reads are taken"
        return _opened_by_ffmpeg(path, part, f"{what}; any format but wav, flac, ogg and mp3", taken)
    if file.channels > 2 and _has_ffmpeg():
        # libsndfile does not say what the channels are.
        try:
            named = FFmpegFile(path, part)
        except DecodeError:
            return file
        file.close()
        return named
    return file


def _opened_by_ffmpeg(path: str | os.PathLike, part: Part, what: str, problem: str = "") -> FFmpegFile:
    """The part in FFmpeg; `what` is the subject of the line that says that it is not installed."""
    try:
        require_extra("audio", what, "av")
        return FFmpegFile(path, part)
    except UserError as missing:
        raise AudioError(str(missing)) from missing
    except DecodeError as error:
        raise AudioError(problem or f"cannot be decoded as audio ({error}); copy or encode it again") from error
