"""Made copies: each is the song, changed as its kind says."""

import numpy as np
import pytest
import soundfile

from dmml_tf.benchmarks.copies import COPIES, can_encode, write_copy
from tfrecords_tools.audio.decode import AudioError

RATE = 44_100


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    time = np.arange(2 * RATE) / RATE
    left = 0.3 * np.sin(2 * np.pi * 440 * time) * np.linspace(0, 1, len(time))
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, np.stack([left, left / 2], axis=1), RATE)
    return path


def peak_to_peak(samples):
    return np.ptp(samples, axis=0)


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy(song, tmp_path, kind):
    if "mp3" in kind and not can_encode():
        pytest.skip("no PyAV that writes MP3")
    whole, _ = soundfile.read(song)
    path = write_copy(song, tmp_path / kind, kind)
    samples, rate = soundfile.read(path, always_2d=True)
    assert rate == RATE and path.stem == kind
    if kind == "mono":
        expected = whole.mean(axis=1, keepdims=True)
    elif kind == "0.5 s cut":
        expected = whole[RATE // 2 :]
    else:
        expected = whole / 2 if kind == "-6 dB" else whole
    assert samples.shape[1] == expected.shape[1]
    if path.suffix == ".flac":
        np.testing.assert_allclose(samples, expected, atol=1e-4)
    else:
        assert len(samples) == pytest.approx(len(expected), abs=3_000)
        assert peak_to_peak(samples) == pytest.approx(peak_to_peak(expected), rel=0.1)
        assert soundfile.info(path).format == ("MP3" if "mp3" in kind else "OGG")


def test_bit_rates_are_those_of_the_names(song, tmp_path):
    if not can_encode():
        pytest.skip("no PyAV that writes MP3")
    sizes = [write_copy(song, tmp_path / kind, kind).stat().st_size for kind in ("mp3 96", "mp3 192")]
    assert sizes == pytest.approx([2 * 96_000 / 8, 2 * 192_000 / 8], rel=0.1)


@pytest.mark.parametrize("kind", ["mono", "ogg"])
def test_what_is_no_sound(tmp_path, kind):
    (tmp_path / "song.wav").write_text("no sound")
    with pytest.raises(AudioError, match="cannot read it"):
        write_copy(tmp_path / "song.wav", tmp_path / kind, kind)


@pytest.mark.skipif(not can_encode(), reason="no PyAV that writes MP3")
def test_tags_that_are_not_utf8(song, tmp_path):
    tag = b"INAM" + (4).to_bytes(4, "little") + b"\x82\xe9t\0"
    chunk = b"LIST" + (4 + len(tag)).to_bytes(4, "little") + b"INFO" + tag
    content = song.read_bytes() + chunk
    (tmp_path / "odd.wav").write_bytes(content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:])
    assert soundfile.info(write_copy(tmp_path / "odd.wav", tmp_path / "copy", "mp3 96")).format == "MP3"
