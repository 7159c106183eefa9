"""What listeners hear: equally loud, no peak cut off, and refused where there is nothing to hear."""

import io

import numpy as np
import pytest
import soundfile

from dmml_tf.data.judgements.votes import Clip
from dmml_tf.judge.songs import songs_to_play
from dmml_tf.judge.sound import LOUDNESS, RATE, clip_bytes, equally_loud
from tfrecords_tools.audio.decode import AudioError, SilentError
from tfrecords_tools.features import LogMel

METER = LogMel(sample_rate=RATE, n_fft=2048, hop=1024)


def noise(level: float, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).normal(size=3 * RATE)).astype(np.float32)


def test_clips_of_a_question_are_equally_loud(dataset):
    songs = songs_to_play(dataset, "test")
    wavs = clip_bytes([(songs[place], Clip(songs[place].track_id, 0.5, 3.0)) for place in (0, 4, 8)])
    for wav in wavs:
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        assert rate == RATE and len(samples) == 3 * RATE and samples[0] == samples[-1] == 0  # no click
        assert METER.measure_loudness([samples]) == pytest.approx(LOUDNESS, abs=0.05)


def test_where_a_peak_would_be_cut_off_all_are_less_loud():
    spiky = noise(0.01)
    spiky[1000] = 0.9
    played = equally_loud([noise(0.3), spiky, noise(0.001)])
    loudness = [METER.measure_loudness([samples]) for samples in played]
    assert max(loudness) - min(loudness) < 0.05 and max(loudness) < LOUDNESS - 1
    assert max(np.abs(samples).max() for samples in played) == pytest.approx(0.98, abs=1e-3)


def test_what_cannot_be_heard_is_refused(dataset):
    with pytest.raises(SilentError):
        equally_loud([noise(0.1), np.zeros(3 * RATE, np.float32), noise(0.1)])
    song = songs_to_play(dataset, "test")[0]
    with pytest.raises(AudioError, match="too short"):
        clip_bytes([(song, Clip(song.track_id, 3.0, 3.0))])
