"""What a file holds, by its bytes: the streams one behind another, their lengths, and what is wrong around them."""

import mmap
import os
import re

from tfrecords_tools.audio import mpeg, ogg
from tfrecords_tools.audio.part import Part
from tfrecords_tools.audio.sizes import sized
from tfrecords_tools.notes import Note

# What a file that was looked at begins with; searched for where something else stands before it.
_BEGINNING = re.compile(
    rb"OggS\0\x02|fLaC[\0\x80]\0\0\x22|(?:RIFF|RF64|BW64)....WAVE|FORM....AIF[FC]|caff\0\x01|\.snd\0\0", re.DOTALL
)
# The head of a raw AAC frame (ISO/IEC 13818-7, 6.2): sync and layer, then 13 bits of its length from the 30th bit on.
_AAC = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_AAC_HEAD = 7
# The beginning of a FLAC file, with the head of its first block.
_FLAC = b"fLaC\0\0\0\x22"
# Bytes that may stand before it.
_MOST_BEFORE = 1 << 18


def parts_of(path: str | os.PathLike, notes: list[Note], search: bool = False) -> list[Part]:
    """The streams of an Ogg, MPEG, raw AAC, wav, aiff, au, caf or flac file, one behind another; empty if it is none.

    Args:
        path: of a file that is not empty.
        notes: takes what is odd.
        search: looks for the beginning behind other bytes too.

    Raises:
        AudioError: if the file was cut short.
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = _behind_id3(data)
        if search and (match := _BEGINNING.search(data, start, start + _MOST_BEFORE)):
            start = match.start()
        if _BEGINNING.match(data, start):
            if start:
                notes.append(Note("damage", f"{start} bytes stand before its beginning", "they were left out"))
            return ogg.links(data, start, notes) if data[start : start + 4] == b"OggS" else sized(data, start, notes)
        if _is_aac(data, start):
            # By a name in .mp3 libsndfile would take one of its bytes for the beginning of a frame.
            return [Part(whole=False)]
        if search or mpeg.begins(data, start):
            return mpeg.streams(data, start, notes)
    return []


def _is_aac(data: mmap.mmap, start: int) -> bool:
    """Whether frames of raw AAC (ADTS) stand at `start`: one, and behind it another or the file's end."""
    head = data[start : start + _AAC_HEAD]
    if len(head) < _AAC_HEAD or not _AAC.match(head):
        return False
    length = int.from_bytes(head[3:6], "big") >> 5 & 0x1FFF
    following = data[start + length : start + length + 2]
    return length > _AAC_HEAD and (bool(_AAC.match(following)) or start + length == len(data))


def next_flac(path: str | os.PathLike, part: Part, notes: list[Note]) -> list[Part]:
    """The FLAC file that is joined to another, which does not say where it ends; empty where there is none."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(_FLAC, part.start + 4)
        return sized(data, start, notes) if start >= 0 else []


def _behind_id3(data: mmap.mmap) -> int:
    """Where the tags before a file's beginning end."""
    place = 0
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        flags, *size = data[place + 5 : place + 10]
        place += 10 + sum(part << shift for part, shift in zip(size, (21, 14, 7, 0))) + (10 if flags & 16 else 0)
    return place
