"""MPEG audio (mp3, mp2, mp1): its frames are walked, which tells the streams one behind another and their lengths.

The first frame of most mp3s is a Xing or Info header with their length, which lies where mp3s were joined, cut or
written by a program that could not go back. Without one, libsndfile guesses the length from the file's size and reads
no further: cover art makes the guess too long, a loud end after a quiet beginning too short. So each stream is
handed to the decoder with a header that says what was counted.
Sources: ISO/IEC 11172-3, 2.4.1.3 and 13818-3 (header of a frame); id3.org, ID3v2.4.0, section 3.1; LAME's tag.c (Xing).
"""

import dataclasses
import itertools
import mmap
import re
import struct
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tfrecords_tools.audio.blocks import AudioError
from tfrecords_tools.audio.part import CUT_SHORT, MOST_PARTS, Part
from tfrecords_tools.notes import Note

# Kilobit a second by index, of layers III, II, I; 0 (free) and 15 are not taken for frames.
_BITRATES = {
    (True, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (False, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
}
_RATES = (44_100, 48_000, 32_000)
# MPEG 2.5, 2 and 1, any layer but 0 (which is AAC), with and without checksum; a bit rate and a sampling rate.
_START_OF_FRAME = re.compile(
    b"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]["
    + b"".join(b"\\x%02x" % byte for byte in range(0x10, 0xF0) if byte >> 2 & 3 != 3)
    + b"]"
)
_PADDED = re.compile(b"\0*")
# Of a frame's header: sync, version, layer, bit rate, sampling rate, padding and mode, without what changes nothing.
_MASK = 0xFFFEFEC0
# Frames of a stream; fewer between two others are chance or damage, a tenth of a second.
_LEAST_FRAMES = 4
# What tags behind the last frame begin with.
_TAGS = (b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN")
# Bytes that may stand between a tag and the first frame without a word.
_PADDING = 4096
# Frames by which a Xing header may be wrong without a word: many count themselves.
_FRAMES_OFF = 2
# Seconds that a file may lack of what its header announces.
_SHORTFALL = 0.5
# What is mapped and read counts as memory of the process: it is given back in pieces of that many bytes.
_MAPPED = 1 << 24
_XING = (b"Xing", b"Info")
# Its place in a frame, behind header and side information, by (MPEG 1, mono).
_XING_PLACE = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}


class _Frame(NamedTuple):
    """What a frame's header says.

    Attributes:
        size: bytes.
        samples: per channel.
        kind: what does not change within a stream: Hz, layer's bits, whether it is MPEG 1, whether it is mono.
        xing: bytes from its beginning to where a Xing header has its name; 0 in layers that know none.
    """

    size: int
    samples: int
    kind: tuple[int, int, bool, bool]
    xing: int

    @property
    def seconds(self) -> float:
        """Of sound."""
        return self.samples / self.kind[0]


@dataclasses.dataclass(slots=True)
class _Run:
    """Frames of one kind one behind another.

    Attributes:
        start, end: bytes.
        frame: one of them.
        frames: how many, without the one that holds a Xing header.
        xing: the Xing header that it begins with, or None.
        goes_on: whether it is the rest of the run before it, behind bytes that are no frames.
    """

    start: int
    end: int
    frame: _Frame
    frames: int = 0
    xing: "_Xing | None" = None
    goes_on: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Xing:
    """A Xing or Info header: the place of its count, and the frames and bytes that it announces, or None."""

    place: int
    frames: int | None
    bytes: int | None


def begins(data: mmap.mmap, start: int) -> bool:
    """Whether a frame stands at `start`, or behind padding there."""
    padding = _PADDED.match(data, start)
    start = padding.end() if padding else start
    return start < len(data) and _next_frame(data, start, start + 4) == start


def streams(data: mmap.mmap, start: int, notes: list[Note]) -> list[Part]:
    """The streams of an MPEG audio file from `start` on; empty where there are no frames.

    A stream is in several parts where something else stands between its frames.

    Raises:
        AudioError: if a header announces more frames and more bytes than there are, or the file is in shreds.
    """
    runs = [run for run in _runs(data, start) if run.frames >= _LEAST_FRAMES]
    if not runs:
        return []
    if len(runs) > MOST_PARTS:
        raise AudioError(f"is in more than {MOST_PARTS} pieces; encode it again")
    runs[0].goes_on = False
    _note_bytes(data, start, runs, notes)
    begins = [place for place, run in enumerate(runs) if not run.goes_on]
    if len(begins) > 1:
        rates = sorted({run.frame.kind[0] for run in runs})
        of = f" of {' and '.join(map(str, rates))} Hz" if len(rates) > 1 else ""
        notes.append(Note("streams", f"{len(begins)} streams one behind another{of}", "all of them were taken"))
    parts = []
    for begin, end in zip(begins, [*begins[1:], len(runs)]):
        parts += _of_stream(data, runs[begin:end], notes)
    return parts


def _note_bytes(data: mmap.mmap, start: int, runs: Sequence[_Run], notes: list[Note]) -> None:
    """Notes what stands before, between and behind the frames and is neither a tag nor padding."""
    between = sum(run.start - last.end for last, run in itertools.pairwise(runs) if run.goes_on)
    tail = runs[-1].end
    behind = 0 if data[tail : tail + 11].startswith(_TAGS) else len(data) - tail
    for count, where in ((runs[0].start - start, "before its first frame"), (behind, "behind its last frame")):
        if count > _PADDING:
            notes.append(Note("damage", f"{count} bytes {where} are no sound", "they were left out"))
    if between:
        notes.append(Note("damage", f"{between} bytes between its frames are no sound", "they were left out"))


def _runs(data: mmap.mmap, start: int) -> list[_Run]:
    """All frames behind `start`, those of one kind together; a Xing header begins a run of its own."""
    runs: list[_Run] = []
    run: _Run | None = None
    known: dict[int, _Frame | None] = {}  # by what _MASK leaves: few differ
    head = struct.Struct(">I").unpack_from
    place, last, given_back = _next_frame(data, start), len(data) - 4, 0
    goes_on = False
    while place is not None and place <= last:
        bits = head(data, place)[0] & _MASK
        frame = known[bits] if bits in known else known.setdefault(bits, _frame(bits))
        if frame is None:
            place, goes_on = _next_frame(data, place), True
            continue
        named = data[place + frame.xing : place + frame.xing + 4] in _XING
        if goes_on or named or run is None or frame.kind != run.frame.kind:
            goes_on = goes_on and not named and run is not None and frame.kind == run.frame.kind
            # A header is no sound: it does not count itself.
            xing = _xing(data, place, frame) if named else None
            run = _Run(place, place, frame, -1 if named else 0, xing, goes_on)
            runs.append(run)
            goes_on = False
        place += frame.size
        run.frames += 1
        run.end = min(place, last + 4)
        if place - given_back > 2 * _MAPPED:
            data.madvise(mmap.MADV_DONTNEED, given_back, _MAPPED)
            given_back += _MAPPED
    return runs


def _next_frame(data: mmap.mmap, place: int, end: int = sys.maxsize) -> int | None:
    """Where, before `end`, the next frame begins that another of its kind or the file's end follows.

    Two bytes alone are too often chance.
    """
    for match in _START_OF_FRAME.finditer(data, place, end):
        start = match.start()
        frame = _frame_at(data, start)
        if frame is None:
            continue
        following = _frame_at(data, start + frame.size)
        if start + frame.size == len(data) or (following and following.kind == frame.kind):
            return start
    return None


def _frame_at(data: mmap.mmap, place: int) -> _Frame | None:
    return _frame(struct.unpack_from(">I", data, place)[0]) if place + 4 <= len(data) else None


def _frame(bits: int) -> _Frame | None:
    """What a frame's header says, or None where it is none."""
    version, layer, index, rate_index = bits >> 19 & 3, bits >> 17 & 3, bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != 0x7FF or version == 1 or not layer or not 1 <= index <= 14 or rate_index == 3:
        return None
    first_version = version == 3
    rate = _RATES[rate_index] >> (0 if first_version else 1 if version == 2 else 2)
    samples = {3: 384, 2: 1152, 1: 1152 if first_version else 576}[layer]
    slot = 4 if layer == 3 else 1
    size = (samples // 8 // slot * _BITRATES[first_version, layer][index] * 1000 // rate + (bits >> 9 & 1)) * slot
    mono = bits >> 6 & 3 == 3
    return _Frame(size, samples, (rate, layer, first_version, mono), _XING_PLACE[first_version, mono] * (layer == 1))


def _xing(data: mmap.mmap, start: int, frame: _Frame) -> _Xing:
    """The Xing or Info header in the frame at `start`.

    Where its frame holds anything before it, libsndfile takes no notice of it: then it says nothing.
    """
    place = start + frame.xing
    flags, *fields = struct.unpack(">3I", data[place + 4 : place + 16].ljust(12, b"\0"))
    checksum = 0 if data[start + 1] & 1 else 2
    if any(data[start + 4 + checksum : place]):
        flags = 0
    frames = fields[0] if flags & 1 else None
    return _Xing(place + 8, frames, fields[frames is not None] if flags & 2 else None)


def _of_stream(data: mmap.mmap, runs: Sequence[_Run], notes: list[Note]) -> list[Part]:
    """The parts of a stream, each with a Xing header that says what was counted."""
    run, xing = runs[0], runs[0].xing
    frames, length = sum(each.frames for each in runs), runs[-1].end - run.start
    if xing is None or xing.frames is None:
        return [_headed(data, each) for each in runs]
    seconds = run.frame.seconds
    missing = (xing.frames - frames) * seconds
    if missing > _SHORTFALL and (xing.bytes is None or xing.bytes - length > 2 * run.frame.size):
        said = f"the header announces {xing.frames * seconds:.1f} s, there are {frames * seconds:.1f} s"
        raise AudioError(CUT_SHORT.format(said))
    if abs(xing.frames - frames) > _FRAMES_OFF:
        what = f"its header announces {xing.frames * seconds:.1f} s, there are {frames * seconds:.1f} s"
        notes.append(Note("length", what, "all of it was taken"))
    if len(runs) > 1:
        return [_headed(data, each) for each in runs]
    if run.start == 0 and run.end == len(data) and 0 <= xing.frames - frames <= _FRAMES_OFF:
        return [Part(counted=True)]
    replaced = {xing.place: struct.pack(">I", frames)}
    if xing.bytes is not None:
        replaced[xing.place + 4] = struct.pack(">I", length)
    return [Part(run.start, run.end, replaced, counted=True)]


def _headed(data: mmap.mmap, run: _Run) -> Part:
    """The part of a run, with a made header instead of the one that it has or lacks."""
    first = run.start + (run.frame.size if run.xing else 0)
    before = _header(data[first : first + 4], run.frames, run.end - first)
    return Part(first, run.end, before=before, counted=bool(before), whole=bool(before))


def _header(first: bytes, frames: int, length: int) -> bytes:
    """A frame that a Xing header fills, for the frames behind it; empty for layers I and II, which know none."""
    (bits,) = struct.unpack(">I", first)
    # Without checksum, unpadded, at 64 kbit/s: as few bytes as the header always fits in.
    bits = bits & ~0xFE00 & 0xFFFFFFFF | 0x10000 | bits & 0x0C00
    bits |= _BITRATES[bits >> 19 & 3 == 3, 1].index(64) << 12
    frame = _frame(bits)
    if frame is None or not frame.xing:
        return b""
    filled = struct.pack(">I", bits).ljust(frame.xing, b"\0") + _XING[0]
    filled += struct.pack(">3I", 3, frames, frame.size + length)
    return filled + bytes(frame.size - len(filled))
