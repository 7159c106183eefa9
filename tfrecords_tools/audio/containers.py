"""Files that were cut short and still decode: libsndfile takes their first part for the whole.

A truncated mp3 or flac falls short of what its header announces, which the decoder sees; in wav and ogg only the
container tells. Sources: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF, WAVE);
RFC 3533 (Ogg: the last page of a stream carries the end-of-stream flag; section 4: chained streams).
"""

import os
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
