"""Ogg: pages walked, streams told apart, a missing end mark noted, a page that is not whole refused."""

import struct

import av
import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.odd import encode, hertz, kinds, listen, mapped, tone
from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.audio.decode import AudioError, load_mono, seconds_of
from tfrecords_tools.audio.ogg import links
from tfrecords_tools.audio.part import Part


def _encoded(path, seconds: float, seed: int = 0) -> bytes:
    soundfile.write(path, noise(seconds, seed), RATE)
    return path.read_bytes()


def _pages(content: bytes) -> list[bytes]:
    return [b"OggS" + page for page in content.split(b"OggS")[1:]]


def _checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def _moved(page: bytes, position: int) -> bytes:
    """The page with another position (of the last sample that ends on it)."""
    content = bytearray(page)
    struct.pack_into("<q", content, 6, position)
    struct.pack_into("<I", content, 22, 0)
    struct.pack_into("<I", content, 22, _checksum(bytes(content)))
    return bytes(content)


def test_whole_files_are_one_part_of_a_known_length(tmp_path):
    _encoded(tmp_path / "x.ogg", 3.2)
    notes: list = []
    assert links(mapped(tmp_path / "x.ogg"), 0, notes) == [Part(counted=True)] and not notes


@pytest.mark.parametrize("left", [1, 3, 20, 27, 60])
def test_a_page_that_is_not_whole_is_refused(tmp_path, left):
    content = _encoded(tmp_path / "x.ogg", 8.0)
    place = content.rfind(b"OggS")
    (tmp_path / "x.ogg").write_bytes(content[: place + left])
    with pytest.raises(AudioError, match="cut short: the last page of the stream is not whole"):
        load_mono(tmp_path / "x.ogg", RATE)


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_a_missing_end_mark_is_noted(tmp_path, codec):
    path = tmp_path / "x.ogg"
    soundfile.write(path, noise(8.0), 24_000, format="OGG", subtype=codec)
    path.write_bytes(b"".join(_pages(path.read_bytes())[:-1]))
    found, notes = listen(path)
    assert [(note.kind, note.what) for note in notes] == [("damage", "its end mark is missing")]
    assert 5.0 < len(found) / RATE < 8.0 and seconds_of(path) == pytest.approx(len(found) / RATE, abs=0.01)


def test_streams_one_behind_another_are_all_heard(tmp_path):
    path = tmp_path / "x.ogg"
    content = _encoded(path, 6.0) + _encoded(path, 7.0, 1) + _encoded(path, 1.0, 2)
    path.write_bytes(content)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(14.0, abs=0.01) == seconds_of(path)
    assert [note.what for note in notes] == ["3 streams one behind another"] and kinds(notes) == ["streams"]


@pytest.mark.parametrize("codecs", [("VORBIS", "VORBIS"), ("OPUS", "OPUS"), ("flac", "flac"), ("VORBIS", "OPUS")])
@pytest.mark.parametrize("channels", [(2, 1), (1, 2)])
def test_rates_and_channels_may_change_between_streams(tmp_path, codecs, channels):
    rates = (48_000, 24_000) if codecs[1] == "OPUS" else (44_100, 32_000)
    content = b""
    for codec, rate, count, pitch in zip(codecs, rates, channels, (500, 900)):
        sound = tone(pitch, 6.0, rate, count)
        if codec == "flac":
            encode(tmp_path / "x.oga", codec, sound, rate, "ogg")
        else:
            soundfile.write(tmp_path / "x.oga", sound, rate, format="OGG", subtype=codec)
        content += (tmp_path / "x.oga").read_bytes()
    (tmp_path / "x.oga").write_bytes(content)
    found, notes = listen(tmp_path / "x.oga")
    assert len(found) / RATE == pytest.approx(12.0, abs=0.1) and kinds(notes) == ["streams"]
    assert hertz(found[: 5 * RATE]) == pytest.approx(500, abs=1)
    assert hertz(found[7 * RATE : 11 * RATE]) == pytest.approx(900, abs=1)
    assert seconds_of(tmp_path / "x.oga") == pytest.approx(12.0, abs=0.1)


@pytest.mark.parametrize("last", [0, 1, RATE, 1 << 60])
def test_a_last_position_that_lies_cuts_nothing(tmp_path, last):
    pages = _pages(_encoded(tmp_path / "x.ogg", 8.0))
    (tmp_path / "x.ogg").write_bytes(b"".join([*pages[:-1], _moved(pages[-1], last)]))
    assert len(load_mono(tmp_path / "x.ogg", RATE)) / RATE == pytest.approx(8.0, abs=0.1)
    assert seconds_of(tmp_path / "x.ogg") is None


def test_a_stream_recorded_from_its_middle_on_is_as_long_as_it_sounds(tmp_path):
    pages = _pages(_encoded(tmp_path / "x.ogg", 8.0))
    positions = [struct.unpack_from("<q", page, 6)[0] for page in pages]
    moved = [_moved(page, place + 999 * RATE) if place > 0 else page for page, place in zip(pages, positions)]
    (tmp_path / "x.ogg").write_bytes(b"".join(moved))
    assert len(load_mono(tmp_path / "x.ogg", RATE)) / RATE == pytest.approx(8.0, abs=0.01)
    assert seconds_of(tmp_path / "x.ogg") == pytest.approx(8.0, abs=0.01)


def test_what_stands_between_pages_costs_its_own_pages(tmp_path):
    content = _encoded(tmp_path / "x.ogg", 20.0)
    place = content.find(b"OggS", len(content) // 2)
    (tmp_path / "x.ogg").write_bytes(content[:place] + bytes(3000) + content[place:])
    found, notes = listen(tmp_path / "x.ogg")
    assert len(found) / RATE == pytest.approx(20.0, abs=0.1) and kinds(notes) == ["damage"]
    (tmp_path / "x.ogg").write_bytes(content[: place + 50] + bytes(3000) + content[place + 50 :])
    found, notes = listen(tmp_path / "x.ogg")
    assert 15.0 < len(found) / RATE < 20.0 and set(kinds(notes)) == {"damage"}


@pytest.mark.parametrize("content", [b"OggS\0\2", b"OggS\0\2" + bytes(20), b"OggS\0\2" + bytes(21), b"OggS\0\2" * 99])
def test_stumps_are_refused_or_left_to_the_decoder(tmp_path, content):
    (tmp_path / "x.ogg").write_bytes(content)
    with pytest.raises(AudioError, match="cut short|cannot be decoded"):
        load_mono(tmp_path / "x.ogg", RATE)


def test_streams_side_by_side_are_no_chain(tmp_path):
    path = tmp_path / "x.ogv"
    with av.open(str(path), "w", format="ogg") as container:
        streams = [container.add_stream("libopus", rate=48_000, layout="mono") for _ in range(2)]
        for start in range(0, 6 * 48_000, 960):
            for stream in streams:
                frame = av.AudioFrame.from_ndarray(np.full((1, 960), 3000, np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = 48_000, start
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(6.0, abs=0.1) and "streams" not in kinds(notes)
