"""Sizes in the headers of wav, au, aiff, caf and flac, put right where they lie about the bytes that are there.

Programs that write into a pipe cannot know the size and leave 0, or the largest number; others count wrong. libsndfile
reads no more than the header says. A header that promises more than there is belongs to a file that was cut short.
Sources: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF, WAVE); EBU Tech 3306 (RF64);
Apple, *AIFF 1.3* and *Core Audio Format 1.0*; Sun, *audio(5)*; xiph.org, *FLAC format* (STREAMINFO).
"""

import math
import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

from tfrecords_tools.audio.blocks import AudioError
from tfrecords_tools.audio.part import CUT_SHORT, MOST_PARTS, Part
from tfrecords_tools.notes import Note

# From here on, a size of 32 bits is one that a program wrote that could not know it: 0x7FFF....., 0xFFFFFFFF.
_UNKNOWN = 0x7FFF0000
# Seconds of sound that a file may lack: headers are off by a block now and then.
_SHORTFALL = 0.5
# Bytes that say nothing: padding, or a size that is off by a header's own.
_SLACK = 1024
_MOST_CHUNKS = 1000
_MOST_32 = 0xFFFFFFFF
_FLAC_TOTAL = 1 << 36
# The head of a chunk: its name, its size.
_RIFF, _AIFF, _CAF = "<4sI", ">4sI", ">4sQ"
# Bytes of a sample by the number of its encoding.
_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}


class _Sound(NamedTuple):
    """Where a file's sound lies.

    Attributes:
        place: its first byte.
        size: bytes by the header.
        field: the place of the size in the header.
        form: how it stands there.
        more: what it counts beside the sound.
        rate: bytes a second; 0 where it is not known.
    """

    place: int
    size: int
    field: int
    form: str
    more: int
    rate: float

    @property
    def is_unknown(self) -> bool:
        """Whether the size is one that a program wrote that could not know it."""
        return self.size <= 0 or self.size >= (_UNKNOWN if struct.calcsize(self.form) == 4 else 1 << 62)


def sized(data: mmap.mmap, start: int, notes: list[Note]) -> list[Part]:
    """The part of such a file whose first byte stands at `start`, and of those joined to it; empty where it is none.

    Raises:
        AudioError: if the header announces more sound than there is, or too many files are joined.
    """
    parts: list[Part] = []
    place: int | None = start
    while place is not None and len(parts) <= MOST_PARTS:
        found = _next_part(data, place, notes)
        if found is None:
            break
        place = found.end
        parts.append(found)
    if len(parts) > MOST_PARTS:
        raise AudioError(f"is in more than {MOST_PARTS} pieces; encode it again")
    if len(parts) > 1:
        notes.append(Note("streams", f"{len(parts)} files one behind another", "all of them were taken"))
    return parts


def _next_part(data: mmap.mmap, start: int, notes: list[Note]) -> Part | None:
    """The part of the file that begins at `start`; it ends where another begins, or at the end."""
    name, kind = data[start : start + 4], data[start + 8 : start + 12]
    if name == b"fLaC":
        return _flac(data, start)
    found = _KINDS.get((name, kind)) or _KINDS.get((name, b""))
    if found is None:
        return None
    find, chunk = found
    sound = find(data, start)
    if sound is None:
        return Part(start)  # the decoder says better what is wrong
    there = len(data) - sound.place
    missing = sound.size - there
    if not sound.is_unknown and missing > max(_SLACK, _SHORTFALL * sound.rate):
        said = f"its header announces {sound.size} bytes of sound, {missing} of them are missing"
        raise AudioError(CUT_SHORT.format(said))
    end = sound.place + sound.size
    behind = len(data) if abs(missing) < _SLACK else None
    if missing < 0 and data[end : end + 4] == name:
        behind = end
    elif missing < 0 and chunk:
        behind = _end_of_chunks(data, end + (sound.size % 2 if chunk != _CAF else 0), chunk) or behind
    if behind is None and missing < 0 and not sound.is_unknown and _file_ends(data, start, end, chunk):
        behind = end
        if data[end : end + 4] not in _NAMES:
            notes.append(Note("damage", f"{-missing} bytes stand behind its end", "they were left out"))
    if behind is not None:
        return Part(start, behind if behind < len(data) else None, counted=True)
    said = "does not say how many" if sound.is_unknown else f"wrongly says that {sound.size}"
    notes.append(Note("length", f"its header {said} bytes are sound", f"all {there} were taken"))
    most = 256 ** struct.calcsize(sound.form) - 1
    return Part(start, replaced={sound.field: struct.pack(sound.form, min(there + sound.more, most))}, counted=True)


def _flac(data: mmap.mmap, start: int) -> Part:
    """Takes the count of samples out of the header: libsndfile then reads to the end, and what it gives is compared."""
    place = start + 18
    if len(data) < place + 8:
        return Part(start)
    (fields,) = struct.unpack_from(">Q", data, place)
    total = fields % _FLAC_TOTAL
    end = len(data) - 128 if data[-128:-125] == b"TAG" else None  # ID3v1
    known = total if 0 < total < _FLAC_TOTAL - 1 else None
    replaced = {place: struct.pack(">Q", fields - total)} if total else {}
    return Part(start, end, replaced, announced=known)


def _chunks(data: mmap.mmap, place: int, form: str) -> Iterator[tuple[bytes, int, int]]:
    """(name, place of what it holds, bytes) of each chunk from `place` on; chunks begin at even places."""
    head = struct.calcsize(form)
    for _ in range(_MOST_CHUNKS):
        if place + head > len(data):
            return
        name, size = struct.unpack_from(form, data, place)
        yield name, place + head, size
        # Core Audio's chunks are not padded.
        place += head + size + (size % 2 if head == 8 else 0)


def _end_of_chunks(data: mmap.mmap, place: int, form: str) -> int | None:
    """Where the chunks from `place` on end: with the file, or where another is joined to it; None where they are none.

    Chunks have names of letters, and sizes that lead from one to the next.
    """
    end = None
    for name, begin, size in _chunks(data, place, form):
        if not (name.isascii() and name.decode("ascii").isprintable()):
            return None
        if (name, data[begin : begin + 4]) in _KINDS:
            return begin - 8
        end = begin + size
    return len(data) if end is not None and abs(end - len(data)) < _SLACK else None


def _file_ends(data: mmap.mmap, start: int, end: int, form: str) -> bool:
    """Whether the size of the file in its head agrees with that of its sound, which ends at `end`: no chunk follows."""
    if form not in (_RIFF, _AIFF):
        return False
    (size,) = struct.unpack_from(form[0] + "I", data, start + 4)
    return size + start + 8 in (end, end + 1)


def _riff(data: mmap.mmap, start: int) -> _Sound | None:
    rate = 0
    wide: tuple[int, int] | None = None  # RF64's size of the sound and its place
    for name, place, size in _chunks(data, start + 12, _RIFF):
        if name == b"ds64" and size >= 16:
            wide = struct.unpack_from("<Q", data, place + 8)[0], place + 8
        elif name == b"fmt " and size >= 12 and place + 12 <= len(data):
            (rate,) = struct.unpack_from("<I", data, place + 8)
        elif name == b"data" and size == _MOST_32 and wide:
            return _Sound(place, *wide, "<Q", 0, rate)
        elif name == b"data":
            return _Sound(place, size, place - 4, "<I", 0, rate)
    return None


def _aiff(data: mmap.mmap, start: int) -> _Sound | None:
    rate = 0.0
    for name, place, size in _chunks(data, start + 12, _AIFF):
        if name == b"COMM" and size >= 18 and place + 18 <= len(data):
            channels, _, bits, exponent, mantissa = struct.unpack_from(">HIHHQ", data, place)
            # 80 bits of a floating-point number; beyond 2^32 Hz it is none.
            rate = channels * bits / 8 * math.ldexp(mantissa, exponent - 16_446) if exponent < 16_415 else 0.0
        elif name == b"SSND":
            return _Sound(place + 8, size - 8, place - 4, ">I", 8, rate)
    return None


def _caf(data: mmap.mmap, start: int) -> _Sound | None:
    rate = 0.0
    for name, place, size in _chunks(data, start + 8, _CAF):
        if name == b"desc" and size >= 24 and place + 24 <= len(data):
            hertz, packet_bytes, packet_frames = struct.unpack_from(">d8x2I", data, place)
            rate = hertz * packet_bytes / packet_frames if packet_frames and 0 < hertz < 1e6 else 0.0
        elif name == b"data":
            return _Sound(place + 4, size - 4, place - 8, ">Q", 4, rate)
    return None


def _au(data: mmap.mmap, start: int) -> _Sound | None:
    if len(data) < start + 24:
        return None
    offset, size, encoding, hertz, channels = struct.unpack_from(">5I", data, start + 4)
    rate = hertz * channels * _AU_BYTES.get(encoding, 0)
    return _Sound(start + offset, size, start + 8, ">I", 0, rate) if start + offset < len(data) else None


_KINDS = {
    (b"RIFF", b"WAVE"): (_riff, _RIFF),
    (b"RF64", b"WAVE"): (_riff, _RIFF),
    (b"BW64", b"WAVE"): (_riff, _RIFF),
    (b"FORM", b"AIFF"): (_aiff, _AIFF),
    (b"FORM", b"AIFC"): (_aiff, _AIFF),
    (b"caff", b""): (_caf, _CAF),
    (b".snd", b""): (_au, ""),
}
# What a file that may be joined to another begins with.
_NAMES = {b"fLaC", *(name for name, _ in _KINDS)}
