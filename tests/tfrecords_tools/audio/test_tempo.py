"""Tempo by madmom: clicks come back, silence has no tempo, the import leaves no trace."""

import importlib.metadata
import sys

import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio import tempo
from tfrecords_tools.errors import UserError

RATE = tempo.SAMPLE_RATE


def clicks(bpm: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """float32 [samples]: a short decaying noise on every beat."""
    rng = np.random.default_rng([int(bpm)])
    samples = np.zeros(int(seconds * rate), np.float32)
    click = rng.standard_normal(rate // 20) * np.exp(-np.arange(rate // 20) / (rate / 200))
    for start in np.arange(0, len(samples) - len(click), 60 / bpm * rate).astype(int):
        samples[start : start + len(click)] += 0.3 * click
    return samples


@pytest.mark.parametrize("bpm", [75, 120, 160])
def test_clicks_come_back(bpm):
    found = tempo.estimate_tempo(clicks(bpm, 10.0))
    assert found == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(10 * RATE, np.float32),
        np.full(10 * RATE, 1e-6, np.float32),
        clicks(120, 2.9),
        np.zeros(0, np.float32),
    ],
    ids=["silence", "next to silence", "too short", "nothing"],
)
def test_no_tempo_is_none_and_not_zero(samples):
    assert tempo.estimate_tempo(samples) is None


def test_the_middle_of_a_long_file_counts(tmp_path):
    path = tmp_path / "long.flac"
    audio = np.concatenate([clicks(75, 10, 22_050), clicks(150, 8, 22_050), clicks(75, 10, 22_050)])
    soundfile.write(path, np.stack([audio, audio], 1), 22_050)
    assert tempo.estimate_tempo_of_file(path, 8.0) == pytest.approx(150, rel=0.02)
    assert tempo.estimate_tempo(np.concatenate([clicks(75, 10), clicks(150, 8), clicks(75, 10)]), 8.0) == pytest.approx(
        150, rel=0.02
    )


def test_the_question_about_metadata_is_answered_only_meanwhile():
    before = importlib.metadata.distribution
    with tempo._madmom_metadata():
        assert importlib.metadata.distribution("madmom").version
        with pytest.raises(importlib.metadata.PackageNotFoundError):
            importlib.metadata.distribution("no-such-distribution")
    assert importlib.metadata.distribution is before


def test_without_madmom_the_error_tells_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "madmom", None)
    with pytest.raises(UserError, match=r"needs madmom; .*'dmml\[tempo\]' \(.*CC BY-NC-SA.*--tempo=column"):
        tempo.require_madmom()


def test_the_licence_is_named():
    assert "CC BY-NC-SA 4.0" in tempo.LICENCE_NOTE and "CC BY-NC-SA 4.0" in tempo.estimate_tempo.__doc__
