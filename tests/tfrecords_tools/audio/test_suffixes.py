"""Every suffix of the list is one that a decoder reads; what can be encoded here is decoded."""

import struct

import av
import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.odd import RATE, encode, hertz, kinds, listen, tone
from tfrecords_tools.audio.decode import seconds_of
from tfrecords_tools.audio.ffmpeg import CONTAINERS
from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES

SECONDS = 6.0
# Suffix -> (codec, FFmpeg's format, Hz).
ENCODED = {
    ".wv": ("wavpack", None, 44_100),
    ".tta": ("tta", None, 44_100),
    ".mka": ("flac", None, 44_100),
    ".mkv": ("aac", None, 44_100),
    ".webm": ("libopus", None, 48_000),
    ".mp4": ("aac", None, 44_100),
    ".m4b": ("aac", "mp4", 44_100),
    ".m4r": ("alac", "mp4", 44_100),
    ".mov": ("aac", None, 44_100),
    ".3gp": ("aac", None, 44_100),
    ".aac": ("aac", "adts", 44_100),
    ".wma": ("wmav2", "asf", 44_100),
    ".asf": ("wmav2", None, 44_100),
    ".avi": ("mp2", None, 44_100),
    ".flv": ("aac", None, 44_100),
    ".mpg": ("mp2", None, 44_100),
    ".ac3": ("ac3", None, 44_100),
    ".eac3": ("eac3", None, 44_100),
    ".mp2": ("mp2", None, 44_100),
    ".oga": ("flac", "ogg", 44_100),
    ".ogx": ("libopus", "ogg", 48_000),
    ".opus": ("libopus", "ogg", 48_000),
    ".caf": ("alac", None, 44_100),
    ".rm": ("ac3", "rm", 44_100),
}


@pytest.mark.parametrize("suffix", ENCODED)
def test_what_ffmpeg_encodes_is_heard_whole(tmp_path, suffix):
    codec, form, rate = ENCODED[suffix]
    assert suffix in AUDIO_SUFFIXES
    path = encode(tmp_path / f"x{suffix}", codec, tone(500, SECONDS, rate, 2), rate, form, bit_rate=128_000)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(SECONDS, abs=0.1) == seconds_of(path)
    assert hertz(found) == pytest.approx(500, abs=1) and not kinds(notes)


@pytest.mark.parametrize(
    "suffix", [".wav", ".w64", ".rf64", ".aif", ".aiff", ".au", ".caf", ".voc", ".flac", ".mp3", ".ogg"]
)
def test_what_libsndfile_encodes_is_heard_whole(tmp_path, suffix):
    form = {".aif": "AIFF"}.get(suffix, suffix[1:].upper())
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, tone(500, SECONDS, 44_100, 2), 44_100, format=form)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(SECONDS, abs=0.01) == seconds_of(path)
    assert hertz(found) == pytest.approx(500, abs=1) and not notes


def _one_bit(seconds: float, rate: int) -> bytes:
    """One channel of a 500 Hz sine by pulse density, eight samples a byte, the most significant first."""
    signal = 0.3 * np.sin(2 * np.pi * 500 * np.arange(int(seconds * rate)) / rate)
    bits, error = np.zeros(len(signal), np.uint8), 0.0
    for place, value in enumerate(signal):
        bits[place] = error + value >= 0
        error += value - (1.0 if bits[place] else -1.0)
    return np.packbits(bits).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".dsf", ".dff"])
def test_one_bit_sound_is_heard(tmp_path, suffix):
    rate, seconds = 2_822_400 // 4, 4.0
    sound = _one_bit(seconds, rate)
    if suffix == ".dsf":
        sound = sound.ljust(-(-len(sound) // 4096) * 4096, b"\x69")
        form = struct.pack("<4sQ6IQ2I", b"fmt ", 52, 1, 0, 1, 1, rate, 8, int(seconds * rate), 4096, 0)
        data = struct.pack("<4sQ", b"data", 12 + len(sound)) + sound
        content = struct.pack("<4s3Q", b"DSD ", 28, 28 + len(form) + len(data), 0) + form + data
    else:

        def chunk(name: bytes, held: bytes) -> bytes:
            return name + struct.pack(">Q", len(held)) + held

        properties = b"SND " + chunk(b"FS  ", struct.pack(">I", rate)) + chunk(b"CHNL", b"\0\1C000")
        properties += chunk(b"CMPR", b"DSD \x0enot compressed\0")
        held = b"DSD " + chunk(b"FVER", b"\1\5\0\0") + chunk(b"PROP", properties) + chunk(b"DSD ", sound)
        content = chunk(b"FRM8", held)
    (tmp_path / f"x{suffix}").write_bytes(content)
    found, _ = listen(tmp_path / f"x{suffix}")
    assert len(found) / RATE == pytest.approx(seconds, abs=0.1)
    assert hertz(found) == pytest.approx(500, abs=1)


def test_ffmpeg_has_every_container_that_it_may_open():
    known = {name for form in av.formats_available for name in form.split(",")}
    assert set(CONTAINERS) <= known, sorted(set(CONTAINERS) - known)


def test_suffixes_are_lower_case_and_stand_once():
    assert len(set(AUDIO_SUFFIXES)) == len(AUDIO_SUFFIXES)
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in AUDIO_SUFFIXES)
