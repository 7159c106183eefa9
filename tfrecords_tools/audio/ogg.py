"""Ogg: its pages are walked, which tells the streams one behind another, the lengths, and what is missing.

Source: RFC 3533 (section 4: chained streams; section 6: pages; the last of a stream carries the end mark).
"""

import dataclasses
import mmap
import struct

from tfrecords_tools.audio.blocks import AudioError
from tfrecords_tools.audio.part import CUT_SHORT, MOST_PARTS, Part
from tfrecords_tools.notes import Note

_PAGE = b"OggS\0"
_BEGIN, _END = 2, 4
_HEADER = 27
# Frames that a packet holds at most: FLAC's blocks. Vorbis' hold 4,096, those of Opus 5,760.
_PACKET_FRAMES = 65_535


@dataclasses.dataclass
class _Link:
    """Streams side by side, of which one is the sound, from their first pages on.

    Attributes:
        start, end: bytes.
        first: the streams' numbers.
        ended: those with an end mark.
        fell: whether a stream's position ever did: libsndfile takes the last one for the length.
        leapt: whether one rose by more than its packets can hold.
        position, packets: of each stream, as far as it was walked; packets since the position before.
        opening: whether the last page was one that begins a stream.
    """

    start: int
    end: int | None
    first: set[int] = dataclasses.field(default_factory=set)
    ended: set[int] = dataclasses.field(default_factory=set)
    fell: bool = False
    leapt: bool = False
    position: dict[int, int] = dataclasses.field(default_factory=dict)
    packets: dict[int, int] = dataclasses.field(default_factory=dict)
    opening: bool = True


def links(data: mmap.mmap, start: int, notes: list[Note]) -> list[Part]:
    """The streams one behind another of an Ogg file, whose first page begins at `start`.

    Raises:
        AudioError: if the last page is not whole, as where a download stopped.
    """
    chain: list[_Link] = []
    place, skipped, size = start, 0, len(data)
    while place + _HEADER <= size:
        name, flags, position, stream, segments = struct.unpack_from("<5sBqI8xB", data, place)
        lengths = data[place + _HEADER : place + _HEADER + segments]
        end = place + _HEADER + segments + sum(lengths)
        if name != _PAGE or end > size:
            following = data.find(_PAGE, place + 1)
            if following < 0:
                break
            skipped += following - place
            place = following
            continue
        if flags & _BEGIN and not (chain and chain[-1].opening):
            chain.append(_Link(place, end))
        if chain:
            _add(chain[-1], flags, position, stream, sum(length < 255 for length in lengths))
            chain[-1].end = end
        place = end
    if not chain:
        return [Part(start)]
    if len(chain) > MOST_PARTS:
        raise AudioError(f"is in more than {MOST_PARTS} pieces; encode it again")
    if place < size and (data[place : place + 5] == _PAGE or _PAGE.startswith(data[place:size])):
        raise AudioError(CUT_SHORT.format("the last page of the stream is not whole"))
    return _parts(chain, place < size, skipped, notes)


def _add(link: _Link, flags: int, position: int, stream: int, packets: int) -> None:
    link.opening = bool(flags & _BEGIN)
    if flags & _BEGIN:
        link.first.add(stream)
    if flags & _END:
        link.ended.add(stream)
    link.packets[stream] = link.packets.get(stream, 0) + packets
    if position < 0:
        return  # no packet ends on this page
    before = link.position.get(stream, 0)
    link.fell |= position < before
    # The first position of a stream that was recorded from its middle on may be any.
    link.leapt |= bool(before) and position - before > (link.packets[stream] + 1) * _PACKET_FRAMES
    link.position[stream] = max(position, before)
    link.packets[stream] = 0


def _parts(chain: list[_Link], is_followed: bool, skipped: int, notes: list[Note]) -> list[Part]:
    if skipped:
        notes.append(Note("damage", f"{skipped} bytes between its pages are no sound", "they were left out"))
    if is_followed:
        notes.append(Note("damage", "what stands behind its last page is no sound", "it was left out"))
    if not all(link.ended for link in chain):
        notes.append(Note("damage", "its end mark is missing", "all that is there was taken"))
    if len(chain) > 1:
        notes.append(Note("streams", f"{len(chain)} streams one behind another", "all of them were taken"))
    elif chain[0].start == 0 and not is_followed:
        chain[0].end = None  # all of the file
    return [
        Part(
            link.start,
            link.end,
            counted=any(link.position.values()) and not (link.fell or link.leapt),
            whole=not link.fell,
        )
        for link in chain
    ]
