"""mp3s without a Xing header: cover art makes none look cut short, a change of bit rate cuts none off."""

import mmap

import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio import wholeness
from tfrecords_tools.audio.decode import load_mono, seconds_of
from tfrecords_tools.audio.wholeness import unannounced_samples

SECONDS = 4
ART = b"ID3\x04\x00\x00\x00\x08\x00\x00" + bytes(8 << 14)


def _encoded(path, samples, rate: int) -> bytes:
    soundfile.write(path, samples, rate, bitrate_mode="VARIABLE")
    return path.read_bytes()


def _without_header(content: bytes) -> bytes:
    """Leaves out the first frame, which holds nothing but the Xing header."""
    assert b"Xing" in content[:64]
    return content[content.find(content[:2], 2) :]


@pytest.fixture(scope="module", params=[44_100, 22_050, 11_025])
def quiet_loud(request, tmp_path_factory):
    """(path, rate): MPEG 1, 2 and 2.5; silence, then noise, so that the bit rate rises."""
    path = tmp_path_factory.mktemp("mp3") / "x.mp3"
    noise = np.random.default_rng([0]).uniform(-0.5, 0.5, SECONDS * request.param // 2)
    path.write_bytes(_without_header(_encoded(path, np.r_[0 * noise, noise], request.param)))
    return path, request.param


def test_frames_are_counted(quiet_loud):
    path, rate = quiet_loud
    assert SECONDS <= unannounced_samples(path) / rate < SECONDS + 0.3
    assert seconds_of(path) == unannounced_samples(path) / rate


def test_memory_given_back_early_changes_no_count(quiet_loud, tmp_path, monkeypatch):
    content = quiet_loud[0].read_bytes() * 5
    (tmp_path / "x.mp3").write_bytes(content)
    expected = unannounced_samples(tmp_path / "x.mp3")
    assert len(content) > 4 * mmap.PAGESIZE
    monkeypatch.setattr(wholeness, "_MAPPED", mmap.PAGESIZE)
    assert unannounced_samples(tmp_path / "x.mp3") == expected


def test_an_announced_length_is_left_alone(tmp_path):
    _encoded(tmp_path / "x.mp3", np.zeros(44_100), 44_100)
    assert unannounced_samples(tmp_path / "x.mp3") is None


@pytest.mark.parametrize("content", [b"x", b"ID3", b"\xff\xfb", b"\xff\xfb\x90\xc4", bytes(5000), b"\xff" * 5000])
def test_no_frame(tmp_path, content):
    (tmp_path / "x.mp3").write_bytes(content)
    assert unannounced_samples(tmp_path / "x.mp3") is None


@pytest.mark.parametrize(
    "before, after",
    [(ART, b""), (ART * 2, b""), (b"", b"TAG" + bytes(125)), (b"", bytes(40_000)), (bytes(100), b"\xff\xfb" * 99)],
)
def test_tags_and_junk_around_the_frames_count_nothing(quiet_loud, tmp_path, before, after):
    path, _ = quiet_loud
    (tmp_path / "x.mp3").write_bytes(before + path.read_bytes() + after)
    assert unannounced_samples(tmp_path / "x.mp3") == unannounced_samples(path)


def test_a_damaged_stretch_costs_its_own_frames(quiet_loud, tmp_path):
    path, rate = quiet_loud
    content = path.read_bytes()
    half = len(content) // 2
    (tmp_path / "x.mp3").write_bytes(content[:half] + bytes(500) + content[half + 500 :])
    assert 0 < unannounced_samples(path) - unannounced_samples(tmp_path / "x.mp3") < 0.8 * rate


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
