"""Sizes in headers: unknown and wrong ones cut nothing, right ones are trusted, a file that lacks sound is refused."""

import struct

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.odd import RATE, hertz, kinds, listen, mapped, tone
from tests.tfrecords_tools.damaged import noise
from tfrecords_tools.audio.decode import AudioError, load_mono, seconds_of
from tfrecords_tools.audio.part import Part
from tfrecords_tools.audio.sizes import sized

SECONDS = 8.0
SOUND = noise(SECONDS).astype(np.float32)
BYTES = 2 * len(SOUND)
# Suffix -> (what stands before the field, bytes between, how it stands there, what it counts beside the sound).
FIELDS = {
    "wav": (b"data", 0, "<I", 0),
    "au": (b".snd", 4, ">I", 0),
    "aiff": (b"SSND", 0, ">I", 8),
    "caf": (b"data", 0, ">Q", 4),
    "rf64": (b"ds64", 12, "<Q", 0),
    "w64": (b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 0, "<Q", 24),
}


def lie(folder, suffix: str, size: int, tail: bytes = b""):
    """A file of 8 s whose header says that `size` bytes are sound; what is too large for the field is its maximum."""
    path = folder / f"x.{suffix}"
    soundfile.write(path, SOUND, RATE, subtype="PCM_16")
    name, between, form, more = FIELDS[suffix]
    content = bytearray(path.read_bytes())
    place = content.find(name) + len(name) + between
    most = 256 ** struct.calcsize(form) - 1
    assert struct.unpack_from(form, content, place)[0] in (BYTES + more, most)
    struct.pack_into(form, content, place, min(size + more, most) if size else 0)
    path.write_bytes(bytes(content) + tail)
    return path


@pytest.mark.parametrize("size", [0, 1 << 64, 0x7FFFFFFF, 0x7FFFF000, BYTES // 3, 2])
@pytest.mark.parametrize("suffix", FIELDS)
def test_no_size_cuts_the_sound(tmp_path, suffix, size):
    if suffix in ("caf", "rf64", "w64") and 0x7FFF0000 < size < 1 << 64:
        size = (1 << 63) - 99  # what cannot be known is of 64 bits
    path = lie(tmp_path, suffix, size)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(SECONDS, abs=0.01)
    np.testing.assert_allclose(found[:1000], SOUND[:1000], atol=1e-4)
    assert seconds_of(path) == pytest.approx(SECONDS, abs=0.01)
    # libsndfile looks at the size of a w64 file itself.
    assert kinds(notes) == ["length"] * (suffix != "w64")


@pytest.mark.parametrize("suffix", ["wav", "aiff", "caf"])
def test_chunks_behind_the_sound_are_no_sound(tmp_path, suffix):
    tail = b"LIST" + struct.pack({"wav": "<I", "aiff": ">I", "caf": ">Q"}[suffix], 5000) + b"words" * 1000
    found, notes = listen(lie(tmp_path, suffix, BYTES, tail))
    assert len(found) / RATE == pytest.approx(SECONDS, abs=0.01) and not notes


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_what_stands_behind_an_end_that_two_sizes_agree_on_is_no_sound(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, SOUND, RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes() + b"junk junk" * 5000)
    found, notes = listen(path)
    assert len(found) == len(SOUND) and seconds_of(path) == SECONDS
    assert kinds(notes) == ["damage"] and notes[0].what == "45000 bytes stand behind its end"


def test_a_flac_file_behind_a_wav_file_is_no_junk(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, SOUND, RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes() + _flac(tmp_path, len(SOUND)).read_bytes())
    found, notes = listen(path)
    assert len(found) == 2 * len(SOUND) and kinds(notes) == ["streams"]


@pytest.mark.parametrize("suffix", ["wav", "au", "aiff", "caf", "rf64"])
def test_a_file_that_lacks_sound_is_refused(tmp_path, suffix):
    path = lie(tmp_path, suffix, BYTES + RATE * 2)
    with pytest.raises(AudioError, match="cut short: its header announces .* are missing"):
        load_mono(path, RATE)
    assert seconds_of(path) is None
    assert len(load_mono(lie(tmp_path, suffix, BYTES + RATE // 2), RATE)) / RATE == pytest.approx(SECONDS, abs=0.01)


def _flac(folder, total: int):
    path = folder / "x.flac"
    soundfile.write(path, SOUND, RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    fields = int.from_bytes(content[18:26], "big")
    content[18:26] = (fields >> 36 << 36 | total).to_bytes(8, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("total", [0, 1, RATE, (1 << 36) - 1])
def test_no_count_of_samples_cuts_a_flac(tmp_path, total):
    path = _flac(tmp_path, total)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(SECONDS, abs=0.001)
    assert seconds_of(path) == pytest.approx(SECONDS, abs=0.001)
    assert kinds(notes) == (["length"] if total in (1, RATE) else [])


def test_without_pyav_an_unknown_length_stays_unknown_and_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    path = _flac(tmp_path, 0)
    assert seconds_of(path) is None and len(load_mono(path, RATE)) / RATE == pytest.approx(SECONDS, abs=0.001)
    assert seconds_of(_flac(tmp_path, len(SOUND))) == SECONDS


def test_a_flac_that_promises_more_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"cut short: the header announces 12.0 s, 8.0 s could be decoded"):
        load_mono(_flac(tmp_path, 12 * RATE), RATE)


@pytest.mark.parametrize(
    "content",
    [b"RIFF1234WAVE", b"RIFF1234WAVEfmt \x01", b"FORM1234AIFF", b"caff\0\1", b".snd\0\0", b"fLaC\0\0\0\x22" + bytes(9)],
)
def test_stumps_are_left_to_the_decoder(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert sized(mapped(tmp_path / "x"), 0, []) == [Part()]


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "flac", "rf64"])
def test_joined_files_are_all_heard(tmp_path, suffix):
    path, content = tmp_path / f"x.{suffix}", b""
    for rate, pitch, channels in ((RATE, 500, 1), (16_000, 900, 2), (RATE, 700, 1)):
        soundfile.write(path, tone(pitch, 6.0, rate, channels), rate)
        content += path.read_bytes()
    path.write_bytes(content)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(18.0, abs=0.01)
    # A FLAC file does not say where it ends.
    assert seconds_of(path) == (None if suffix == "flac" else pytest.approx(18.0))
    assert [hertz(part[RATE:-RATE]) for part in np.array_split(found, 3)] == pytest.approx([500, 900, 700], abs=1)
    assert [note.what for note in notes] == ["3 files one behind another"] and set(kinds(notes)) == {"streams"}


def test_hundreds_of_flac_files_joined(tmp_path):
    path = tmp_path / "x.flac"
    soundfile.write(path, noise(0.1), RATE)
    path.write_bytes(600 * path.read_bytes())
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(60.0, abs=0.01)
    assert [note.what for note in notes] == ["600 files one behind another"]
