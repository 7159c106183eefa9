"""A window of samples is the window of log-mel: same frames, same sound, of a track as of a stretch of it."""

import numpy as np
import pytest

from dmml_tf.data.pool import cut_stretch
from dmml_tf.data.signal import AUDIO, LOG_MEL
from tests.synthetic import SCHEMA
from tfrecords_tools.audio.extract import as_pcm
from tfrecords_tools.features import LogMel

CHAIN = LogMel()
FRAMES = 430


def make_row(frames: int, rest: int) -> dict:
    """A record's two forms of sound of a track of made noise; `rest` samples follow the last frame."""
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.05, frames * CHAIN.hop + rest).astype(np.float32)
    samples *= np.repeat(rng.uniform(0.2, 1.5, frames + 1), CHAIN.hop)[: len(samples)]
    return {"track_id": "t", "log_mel": CHAIN.extract(samples).astype(np.float16), "audio": as_pcm(samples)}


@pytest.fixture(scope="module", params=[0, 50, 300])
def row(request):
    """Ten seconds, with too few samples after the last frame for a whole window there, and with enough."""
    return make_row(FRAMES, request.param)


def assert_frames(window: np.ndarray, log_mel: np.ndarray) -> None:
    """Samples hold these frames of log-mel; the first looks at what lies before the window, so that it is left out."""
    assert window.dtype == np.float32 and window.shape == AUDIO.shape
    found = CHAIN.extract(window)
    assert found.shape == LOG_MEL.shape
    np.testing.assert_allclose(found[1 : len(log_mel)], log_mel[1:].astype(np.float32), rtol=0, atol=1e-3)


@pytest.mark.parametrize("start", [0, 1, 100, FRAMES - 129])
def test_samples_are_cut_where_the_log_mel_is(row, start):
    assert AUDIO.frames(row) == LOG_MEL.frames(row) == FRAMES
    np.testing.assert_array_equal(LOG_MEL.cut(row, start), row["log_mel"][start : start + 129])
    assert_frames(AUDIO.cut(row, start), row["log_mel"][start : start + 129])


def test_one_frame_beside_it_is_another_window(row):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_frames(AUDIO.cut(row, 101), row["log_mel"][100:229])


def test_a_track_shorter_than_a_window_is_filled_up_with_silence():
    short = make_row(60, 50)
    window = AUDIO.cut(short, 0)
    assert_frames(window, short["log_mel"])
    assert not window[len(short["audio"]) :].any() and not LOG_MEL.cut(short, 0)[60:].any()


@pytest.mark.parametrize("seed", range(3))
def test_a_stretch_of_either_form_is_the_same_sound(row, seed):
    mel, audio = (cut_stretch(row, SCHEMA, 200, np.random.default_rng(seed), signal) for signal in (LOG_MEL, AUDIO))
    first = mel["first_frame"]
    assert audio["first_frame"] == first and 0 < first < FRAMES - 200
    assert "audio" not in mel and "log_mel" not in audio
    assert AUDIO.frames(audio) == LOG_MEL.frames(mel) == 200
    np.testing.assert_array_equal(mel["log_mel"], row["log_mel"][first : first + 200])
    for start in (0, 35, 200 - 129):
        np.testing.assert_array_equal(AUDIO.cut(audio, start), AUDIO.cut(row, first + start))
        assert_frames(AUDIO.cut(audio, start), mel["log_mel"][start : start + 129])


def test_a_stretch_of_a_stretch_tells_its_place_in_the_track(row):
    rng = np.random.default_rng(8)
    again = cut_stretch(cut_stretch(row, SCHEMA, 300, rng, AUDIO), SCHEMA, 150, rng, AUDIO)
    first = again["first_frame"]
    np.testing.assert_array_equal(AUDIO.cut(again, 21), AUDIO.cut(row, first + 21))
    assert AUDIO.frames(again) == 150 and first + 150 <= FRAMES
