"""Whether a file holds all of its sound: libsndfile takes the first part of one that was cut short for the whole.

A truncated mp3 or flac falls short of what its header announces, which the decoder sees; in wav and ogg only the
container tells. Sources: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF, WAVE);
RFC 3533 (Ogg: the last page of a stream carries the end-of-stream flag; section 4: chained streams).

The first frame of most mp3s is a Xing or Info header with their length. Without one, libsndfile guesses from the
file's size: cover art makes the guess too long (a whole file would look cut short), a loud end after a quiet
beginning too short (and libsndfile stops there). Then only counting the frames tells.
Sources: ISO/IEC 11172-3, 2.4.1.3 and 13818-3 (header of a frame); id3.org, ID3v2.4.0, section 3.1.
"""

import mmap
import os
import re
import struct
from typing import BinaryIO

_CUT_SHORT = "is cut short: {}; copy or encode it again"
# Data sizes from here on are what programs write that could not know the size: 0x7FFF....., 0xFFFFFFFF.
_UNKNOWN_SIZE = 0x7FFF0000
# Seconds of sound that a wav may lack: headers are off by a block now and then.
_SHORTFALL = 0.5
_MOST_CHUNKS = 1000
# An Ogg page has at most 27 + 255 + 255 * 255 bytes; tags of other formats may stand behind the last.
_OGG_TAIL = 2 * 65_307
_BEGIN_OF_STREAM = 2
_END_OF_STREAM = 4
# Kilobit a second by index; 0 (free) and 15 are not taken for frames.
_BITRATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
# MPEG 2.5, 2 and 1, layer III, with and without checksum.
_START_OF_FRAME = re.compile(b"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
# A Xing or Info header stands 9 to 32 bytes behind its frame's header and checksum.
_HEADER_BYTES = 64
# What is mapped and read counts as memory of the process: it is given back in pieces of that many bytes.
_MAPPED = 1 << 24


def missing_end(path: str | os.PathLike) -> str | None:
    """Why a wav or ogg file is not whole, or None where it is, or where it is of another kind.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"WAVE":
            return _wav_problem(file, os.fstat(file.fileno()).st_size)
        if start[:4] == b"OggS":
            return _ogg_problem(file, os.fstat(file.fileno()).st_size)
    return None


def is_chained(path: str | os.PathLike) -> bool:
    """Whether an Ogg file holds streams one behind another, of which libsndfile takes the first for the whole.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        first: set[bytes] = set()
        page = file.read(27)
        while len(page) == 27 and page[:4] == b"OggS" and page[5] & _BEGIN_OF_STREAM:
            first.add(page[14:18])
            file.seek(sum(file.read(page[26])), os.SEEK_CUR)
            page = file.read(27)
        file.seek(max(0, os.fstat(file.fileno()).st_size - _OGG_TAIL))
        tail = file.read()
    place = tail.rfind(b"OggS")
    last = tail[place + 14 : place + 18]
    return bool(first) and place >= 0 and len(last) == 4 and last not in first


def _wav_problem(file: BinaryIO, size: int) -> str | None:
    bytes_per_second = 0
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return None  # no data chunk: the decoder says so better
        name, length = struct.unpack("<4sI", head)
        if name == b"fmt " and length >= 16:
            bytes_per_second = struct.unpack("<8xI", file.read(12))[0]
            length -= 12
        elif name == b"data":
            missing = length - (size - file.tell())
            if length >= _UNKNOWN_SIZE or missing <= _SHORTFALL * bytes_per_second:
                return None
            return _CUT_SHORT.format(f"its header announces {length} bytes of sound, {missing} of them are missing")
        file.seek(length + length % 2, os.SEEK_CUR)  # chunks begin at even places
    return None


def _ogg_problem(file: BinaryIO, size: int) -> str | None:
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read()
    place = tail.rfind(b"OggS")
    page = tail[place : place + 27]
    if place < 0 or (len(page) == 27 and page[4] != 0):
        return None  # something else stands behind the sound: nothing is known of its end
    if len(page) == 27 and page[5] & _END_OF_STREAM:
        segments = tail[place + 27 : place + 27 + page[26]]
        if len(segments) == page[26] and place + 27 + page[26] + sum(segments) <= len(tail):
            return None
    return _CUT_SHORT.format("the last page of the stream is missing")


def unannounced_samples(path: str | os.PathLike) -> int | None:
    """Samples per channel of an mp3 that does not announce them, by its frames; None where it does.

    Damaged stretches between frames and tags around them are left out. It is also None where no frame is found.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is empty.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = _next_frame(data, _behind_id3(data))
        if place is None or _announces(data[place : place + _HEADER_BYTES]):
            return None
        total = given_back = 0
        while place is not None and (frame := _frame(data, place)):
            size, samples = frame
            total += samples
            place += size
            if _frame(data, place) is None:
                place = _next_frame(data, place)
            if place is not None and place - given_back > 2 * _MAPPED:
                data.madvise(mmap.MADV_DONTNEED, given_back, _MAPPED)
                given_back += _MAPPED
        return total


def _behind_id3(data: mmap.mmap) -> int:
    place = 0
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        flags, *size = data[place + 5 : place + 10]
        place += 10 + sum(part << shift for part, shift in zip(size, (21, 14, 7, 0))) + (10 if flags & 16 else 0)
    return place


def _announces(start: bytes) -> bool:
    place = max(start.find(b"Xing"), start.find(b"Info"))
    return place >= 0 and bool(start[place + 7 : place + 8] and start[place + 7] & 1)


def _next_frame(data: mmap.mmap, place: int) -> int | None:
    """Where the next frame begins that another one follows, or the end: two bytes alone are too often chance."""
    for match in _START_OF_FRAME.finditer(data, place):
        start = match.start()
        frame = _frame(data, start)
        if frame and (start + frame[0] == len(data) or _frame(data, start + frame[0])):
            return start
    return None


def _frame(data: mmap.mmap, place: int) -> tuple[int, int] | None:
    """(bytes, samples per channel) of the frame at `place`, or None where there is none."""
    if not _START_OF_FRAME.match(data, place) or place + 3 > len(data):
        return None
    version, index, rate_index = data[place + 1] >> 3 & 3, data[place + 2] >> 4, data[place + 2] >> 2 & 3
    if not 1 <= index <= 14 or rate_index == 3:
        return None
    samples = 1152 if version == 3 else 576
    rate = _RATES[rate_index] >> (0 if version == 3 else 1 if version == 2 else 2)
    padding = data[place + 2] >> 1 & 1
    return samples // 8 * _BITRATES[version == 3][index] * 1000 // rate + padding, samples
