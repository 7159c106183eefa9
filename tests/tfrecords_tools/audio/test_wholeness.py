"""Cut short or whole: what only the container knows."""

import os
import struct

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.audio.decode import AudioError, load_mono
from tfrecords_tools.audio.wholeness import is_chained, missing_end


@pytest.mark.parametrize("suffix", ["wav", "ogg", "flac", "mp3"])
def test_whole_files_pass(tmp_path, suffix):
    path = tmp_path / f"whole.{suffix}"
    soundfile.write(path, noise(3.2), RATE)
    assert missing_end(path) is None


@pytest.mark.parametrize("suffix", ["wav", "ogg", "flac", "mp3"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_anywhere_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise(8.0), RATE)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(AudioError, match="cut short|cannot be decoded"):
        load_mono(path, RATE)


def test_an_ogg_cut_between_two_pages_is_refused(tmp_path):
    path = tmp_path / "cut.ogg"
    soundfile.write(path, noise(8.0), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"OggS")])
    assert "last page" in missing_end(path)


def test_a_tag_of_another_format_behind_an_ogg_is_no_damage(tmp_path):
    path = tmp_path / "tagged.ogg"
    soundfile.write(path, noise(3.2), RATE)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert missing_end(path) is None


def test_a_chained_ogg_is_decoded_to_its_end(tmp_path):
    path, content = tmp_path / "x.ogg", b""
    for seconds in (4.0, 3.0):
        soundfile.write(path, noise(seconds), RATE)
        assert not is_chained(path)
        content += path.read_bytes()
    path.write_bytes(content)
    assert is_chained(path) and missing_end(path) is None
    assert len(load_mono(path, RATE)) / RATE == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize("content", [b"", b"OggS", b"OggS\0\2" + bytes(20), b"OggS\0\2" + bytes(21), b"no sound"])
def test_stumps_are_not_chained(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert not is_chained(tmp_path / "x")


def _wav(path, length: int, samples: int) -> None:
    """A 16-bit wav whose header announces `length` bytes, with a chunk of odd length before the sound."""
    data = np.zeros(samples, "<i2").tobytes()
    chunks = b"junk" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    riff = b"RIFF" + struct.pack("<I", 48 + len(data)) + b"WAVE"
    path.write_bytes(riff + chunks + b"data" + struct.pack("<I", length) + data)


@pytest.mark.parametrize(
    "length, problem",
    [
        (100_000, False),
        (100_000 + RATE, False),
        (100_000 + 2 * RATE, True),
        (0, False),
        (0xFFFFFFFF, False),
        (0x7FFFFFFF, False),
    ],
)
def test_the_announced_length_of_a_wav(tmp_path, length, problem):
    _wav(tmp_path / "x.wav", length, 50_000)
    assert bool(missing_end(tmp_path / "x.wav")) == problem


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF1234WAVE", b"RIFF1234WAVEfmt \x01", b"OggS", b"no sound"])
def test_stumps_are_left_to_the_decoder_or_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    found = missing_end(tmp_path / "x")
    assert found is None if content[:4] != b"OggS" else "cut short" in found
