"""Decoding: every format and rate comes out as the same sound, every damage as a reason."""

import os

import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio.decode import AudioError, load_mono, mono_blocks, require_seconds, seconds_of

RATE = 22_050


def _tone(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("extension, tolerance", [("wav", 1e-3), ("flac", 1e-3), ("ogg", 0.05), ("mp3", 0.05)])
def test_formats_and_rates(tmp_path, rate, extension, tolerance):
    path = tmp_path / f"x.{extension}"
    left = _tone(rate, 4.0)
    soundfile.write(path, np.stack([left, 0.5 * left], 1), rate)
    found = load_mono(path, RATE)
    assert found.dtype == np.float32 and found.ndim == 1
    assert len(found) == pytest.approx(4 * RATE, abs=2)
    middle = slice(RATE, 3 * RATE)
    np.testing.assert_allclose(found[middle], 0.75 * _tone(RATE, 4.0)[middle], atol=tolerance)


def test_blocks_put_together_are_the_whole(tmp_path):
    path = tmp_path / "x.wav"
    samples = np.random.default_rng([0]).uniform(-0.5, 0.5, 300_000).astype(np.float32)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    blocks = list(mono_blocks(path, RATE))
    assert len(blocks) > 3
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_part_of_a_file(tmp_path):
    path = tmp_path / "x.flac"
    samples = _tone(RATE, 10.0, 100.0) * np.linspace(0, 1, 10 * RATE)
    soundfile.write(path, samples, RATE)
    found = load_mono(path, RATE, max_seconds=2.0, start_seconds=3.0)
    np.testing.assert_allclose(found, samples[3 * RATE : 5 * RATE], atol=1e-3)
    assert len(load_mono(path, RATE, start_seconds=99.0)) == 0


@pytest.mark.parametrize("rate", [8_000, 11_025, 32_000, 44_100, 48_000, 96_000])
def test_exactly_three_seconds_are_enough(tmp_path, rate):
    path = tmp_path / "x.wav"
    soundfile.write(path, _tone(rate, 3.0), rate)
    samples = load_mono(path, RATE)
    require_seconds(len(samples) / RATE, 3.0)
    assert len(samples) >= 129 * 512


def _damage(folder, kind: str) -> str:
    path = folder / f"{kind}.wav"
    audio = np.stack([_tone(RATE, 4.0)] * 2, 1)
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        os.symlink(folder / "gone", path)
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("no sound " * 100)
    elif kind == "short":
        soundfile.write(path, audio[:10_000], RATE)
    elif kind in ("nan", "inf", "opposite", "loud"):
        audio[5] = {"nan": np.nan, "inf": np.inf, "opposite": (np.inf, -np.inf), "loud": 30_000.0}[kind]
        soundfile.write(path, audio, RATE, subtype="FLOAT")
    elif kind == "rate":
        soundfile.write(path, audio, 2)
    elif kind in ("flac", "mp3"):
        whole = folder / f"whole.{kind}"
        noise = np.random.default_rng([0]).uniform(-0.5, 0.5, (8 * RATE, 2))
        soundfile.write(whole, noise, RATE)
        path = folder / f"cut.{kind}"
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return str(path)


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("missing", "file not found"),
        ("directory", "is a directory"),
        ("link", "broken symbolic link"),
        ("empty", "file is empty"),
        ("text", "cannot be decoded"),
        ("short", "too short: 0.45 s, at least 3 s"),
        ("nan", "NaN or infinite"),
        ("inf", "NaN or infinite"),
        ("opposite", "NaN or infinite"),
        ("loud", "samples reach 3e.04"),
        ("rate", "header says 2 Hz"),
        ("flac", "cannot be decoded"),
        ("mp3", "cut short"),
        ("nul\0", "cannot be looked at"),
    ],
)
def test_damage_has_a_reason(tmp_path, kind, reason):
    with pytest.raises(AudioError, match=reason):
        require_seconds(len(load_mono(_damage(tmp_path, kind), RATE)) / RATE, 3.0)


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "x.wav"
    soundfile.write(path, _tone(RATE, 3.0), RATE)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(AudioError, match="no permission"):
        load_mono(path, RATE)


def test_seconds_by_the_header(tmp_path):
    path = tmp_path / "x.ogg"
    soundfile.write(path, _tone(48_000, 3.5), 48_000)
    assert seconds_of(path) == pytest.approx(3.5, abs=0.01)
    assert seconds_of(tmp_path / "gone.wav") is None


def test_least_seconds_forgive_rounding_only():
    assert require_seconds(2.9995, 3.0) is None
    with pytest.raises(AudioError, match="2.99 s"):
        require_seconds(2.99, 3.0)
