"""MPEG audio: frames counted, streams told apart, headers that lie put right, sound that is missing refused."""

import mmap
import struct

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.odd import encode, hertz, kinds, listen, mapped, tone
from tfrecords_tools.audio import mpeg
from tfrecords_tools.audio.decode import AudioError, load_mono, seconds_of
from tfrecords_tools.audio.mpeg import streams
from tfrecords_tools.audio.part import Part

SECONDS = 4
ART = b"ID3\x04\x00\x00\x00\x08\x00\x00" + bytes(8 << 14)


def _encoded(path, samples, rate: int) -> bytes:
    soundfile.write(path, samples, rate, bitrate_mode="VARIABLE")
    return path.read_bytes()


def _without_header(content: bytes) -> bytes:
    """Leaves out the first frame, which holds nothing but the Xing header."""
    assert b"Xing" in content[:64]
    return content[content.find(content[:2], 2) :]


def _noise(seconds: float, rate: int = 44_100) -> np.ndarray:
    return np.random.default_rng([0]).uniform(-0.3, 0.3, int(seconds * rate))


@pytest.fixture(scope="module", params=[44_100, 22_050, 11_025])
def quiet_loud(request, tmp_path_factory):
    """(path, rate) of an mp3 without header: MPEG 1, 2 and 2.5; silence, then noise, so that the bit rate rises."""
    path = tmp_path_factory.mktemp("mp3") / "x.mp3"
    noise = np.random.default_rng([0]).uniform(-0.5, 0.5, SECONDS * request.param // 2)
    path.write_bytes(_without_header(_encoded(path, np.r_[0 * noise, noise], request.param)))
    return path, request.param


def _frames(path) -> int:
    return sum(run.frames for run in mpeg._runs(mapped(path), 0))


def test_frames_are_counted_and_heard(quiet_loud):
    path, rate = quiet_loud
    assert SECONDS <= seconds_of(path) < SECONDS + 0.3
    assert len(load_mono(path, rate)) / rate == pytest.approx(seconds_of(path), abs=0.01)


def test_memory_given_back_early_changes_no_count(quiet_loud, tmp_path, monkeypatch):
    content = quiet_loud[0].read_bytes() * 5
    (tmp_path / "x.mp3").write_bytes(content)
    expected = _frames(tmp_path / "x.mp3")
    assert len(content) > 4 * mmap.PAGESIZE
    monkeypatch.setattr(mpeg, "_MAPPED", mmap.PAGESIZE)
    assert _frames(tmp_path / "x.mp3") == expected > 0


def test_an_honest_header_is_left_alone(tmp_path):
    _encoded(tmp_path / "x.mp3", np.zeros(44_100), 44_100)
    notes: list = []
    assert streams(mapped(tmp_path / "x.mp3"), 0, notes) == [Part(counted=True)] and not notes


@pytest.mark.parametrize("content", [b"x", b"ID3", b"\xff\xfb", b"\xff\xfb\x90\xc4", bytes(5000), b"\xff" * 5000])
def test_no_frame(tmp_path, content):
    (tmp_path / "x.mp3").write_bytes(content)
    assert streams(mapped(tmp_path / "x.mp3"), 0, []) == []
    with pytest.raises(AudioError, match="cannot be decoded"):
        load_mono(tmp_path / "x.mp3", 22_050)


@pytest.mark.parametrize(
    "before, after",
    [(ART, b""), (ART * 2, b""), (b"", b"TAG" + bytes(125)), (b"", bytes(40_000)), (bytes(100), b"\xff\xfb" * 99)],
)
def test_tags_and_junk_around_the_frames_count_nothing(quiet_loud, tmp_path, before, after):
    path, rate = quiet_loud
    (tmp_path / "x.mp3").write_bytes(before + path.read_bytes() + after)
    assert seconds_of(tmp_path / "x.mp3") == seconds_of(path)
    found, notes = listen(tmp_path / "x.mp3", rate)
    np.testing.assert_allclose(found, load_mono(path, rate), atol=1e-4)
    assert kinds(notes) == ["damage"] * (len(after) > 4096)


@pytest.mark.parametrize("junk", [300, 3000, 30_000])
def test_what_stands_between_frames_costs_nothing_else(tmp_path, junk):
    content = _encoded(tmp_path / "x.mp3", _noise(20.0), 44_100)
    half = len(content) // 2
    (tmp_path / "x.mp3").write_bytes(content[:half] + bytes(junk) + content[half:])
    found, notes = listen(tmp_path / "x.mp3")
    assert len(found) / 22_050 == pytest.approx(20.0, abs=0.15) == seconds_of(tmp_path / "x.mp3")
    assert min(np.abs(part).mean() for part in np.array_split(found, 10)) > 0.02 and kinds(notes) == ["damage"]
    (tmp_path / "x.mp3").write_bytes(content[:half] + bytes(junk) + content[half + junk :])
    found, notes = listen(tmp_path / "x.mp3")
    lost = 20.0 * junk / len(content)
    assert len(found) / 22_050 == pytest.approx(20.0 - lost, abs=0.2) and notes


@pytest.mark.parametrize("order", ["quiet first", "loud first"])
@pytest.mark.parametrize("before", [b"", ART])
def test_all_of_it_is_decoded(tmp_path, order, before):
    rate = 44_100
    noise = np.random.default_rng([1]).uniform(-0.5, 0.5, 10 * rate)
    parts = (0 * noise, noise) if order == "quiet first" else (noise, 0 * noise)
    content = _encoded(tmp_path / "x.mp3", np.r_[parts], rate)
    (tmp_path / "x.mp3").write_bytes(before + _without_header(content))
    samples = load_mono(tmp_path / "x.mp3", 22_050)
    assert len(samples) / 22_050 == pytest.approx(20, abs=0.15)
    halves = [np.abs(half).mean() for half in np.array_split(samples, 2)]
    assert (halves[0] < 0.01 < 0.1 < halves[1]) == (order == "quiet first")
    assert (halves[1] < 0.01 < 0.1 < halves[0]) == (order == "loud first")


def _lying(content: bytes, frames: int) -> bytes:
    """Another count of frames in the Xing header."""
    place = content.find(b"Xing") + 8
    return content[:place] + struct.pack(">I", frames) + content[place + 4 :]


@pytest.mark.parametrize("count", [0, 1, 100, 5_000, 0xFFFFFFFF])
def test_no_count_in_a_header_cuts_or_refuses_what_is_there(tmp_path, count):
    content = _lying(_encoded(tmp_path / "x.mp3", _noise(8.0), 44_100), count)
    (tmp_path / "x.mp3").write_bytes(content)
    found, notes = listen(tmp_path / "x.mp3")
    assert len(found) / 22_050 == pytest.approx(8.0, abs=0.1) == seconds_of(tmp_path / "x.mp3")
    assert kinds(notes) == ["length"] and np.abs(found[-11_025:]).mean() > 0.02


@pytest.mark.parametrize("place, value", [(1, 0xFA), (7, 9), (30, 0x80)])
def test_a_header_that_libsndfile_does_not_take_is_replaced(tmp_path, place, value):
    """With a checksum; with something before its name."""
    content = bytearray(_encoded(tmp_path / "x.mp3", _noise(8.0), 44_100))
    content[place] = value
    (tmp_path / "x.mp3").write_bytes(content)
    assert len(load_mono(tmp_path / "x.mp3", 22_050)) / 22_050 == pytest.approx(8.0, abs=0.1)
    assert seconds_of(tmp_path / "x.mp3") == pytest.approx(8.0, abs=0.1)


def test_a_file_that_stops_is_refused(tmp_path):
    content = _encoded(tmp_path / "x.mp3", _noise(8.0), 44_100)
    (tmp_path / "x.mp3").write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"cut short: the header announces 8.0 s, there are 4.\d s"):
        load_mono(tmp_path / "x.mp3", 22_050)


def test_joined_files_are_all_heard(tmp_path):
    one = _encoded(tmp_path / "x.mp3", _noise(6.0), 44_100)
    (tmp_path / "x.mp3").write_bytes(one + b"TAG" + bytes(125) + ART + one + one)
    found, notes = listen(tmp_path / "x.mp3")
    assert len(found) / 22_050 == pytest.approx(18.0, abs=0.1) == seconds_of(tmp_path / "x.mp3")
    assert [(note.kind, note.what) for note in notes] == [("streams", "3 streams one behind another")]


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("channels", [(2, 1), (1, 2)])
def test_rates_and_channels_may_change(tmp_path, headers, channels):
    content = b""
    for rate, count, pitch in zip((44_100, 24_000), channels, (500, 900)):
        one = _encoded(tmp_path / "x.mp3", tone(pitch, 6.0, rate, count), rate)
        content += one if headers else _without_header(one)
    (tmp_path / "x.mp3").write_bytes(content)
    found, notes = listen(tmp_path / "x.mp3")
    assert len(found) / 22_050 == pytest.approx(12.0, abs=0.2) and kinds(notes) == ["streams"]
    assert "24000 and 44100 Hz" in notes[0].what
    assert hertz(found[: 5 * 22_050]) == pytest.approx(500, abs=1)
    assert hertz(found[7 * 22_050 : 11 * 22_050]) == pytest.approx(900, abs=1)


def test_layer_two_is_counted_too(tmp_path):
    path = encode(tmp_path / "x.mp2", "mp2", tone(500, 6.0, 44_100, 2), 44_100)
    found, notes = listen(path)
    assert len(found) / 22_050 == pytest.approx(6.0, abs=0.1) == seconds_of(path) and not notes
    assert hertz(found) == pytest.approx(500, abs=1)


def test_shreds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mpeg, "MOST_PARTS", 3)
    one = _encoded(tmp_path / "x.mp3", _noise(1.0), 44_100)
    (tmp_path / "x.mp3").write_bytes(one * 4)
    with pytest.raises(AudioError, match="in more than 3 pieces"):
        load_mono(tmp_path / "x.mp3", 22_050)
