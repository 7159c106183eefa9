"""Gains of windows: drawn for each alone, and played in TensorFlow as NumPy would."""

import numpy as np
import pytest
import scipy.fft
import tensorflow as tf

from dmml_tf.data.signal import AUDIO, LOG_MEL
from dmml_tf.data.windows import Sound, draw_gains, play

BOTH = pytest.mark.parametrize("signal", [LOG_MEL, AUDIO], ids=["log-mel", "samples"])


def rng(seed=0):
    return np.random.default_rng(seed)


def made(count, signal):
    """Windows of noise as records hold them."""
    noise = np.abs(rng().normal(0, 1, (count, *signal.shape)))
    return np.log10(1 + 10 * noise).astype(np.float16) if signal is LOG_MEL else (noise * 8000).astype(np.int16)


def gains_of(low, high, count=5):
    return np.tile(np.float32([[low, high]]), (count, 1))


def played(held, gains, signal, amplified=True):
    return play(Sound(held, gains), signal, amplified).numpy()


def by_numpy(held, gains, signal):
    """What `play` is to give, in float64."""
    low, high = np.split(gains.astype(np.float64), 2, axis=1)
    gain = 10 ** ((low + (high - low) * signal.places()) / 20)
    if signal is LOG_MEL:
        return np.log10(1 + gain[:, None] * (10 ** held.astype(np.float64) - 1))
    samples = held.astype(np.float64) / 2**15
    return scipy.fft.irfft(scipy.fft.rfft(samples) * gain, samples.shape[1])


@BOTH
@pytest.mark.parametrize(("equaliser_db", "gain_db"), [(6.0, 0.0), (0.0, 12.0), (6.0, 3.0)])
def test_gains_are_played_as_numpy_would(signal, equaliser_db, gain_db):
    held, gains = made(5, signal), draw_gains(5, equaliser_db, gain_db, rng(1))
    heard, expected = played(held, gains, signal), by_numpy(held, gains, signal)
    assert heard.dtype == np.float32 and heard.shape == held.shape and np.abs(expected).max() > 0.1
    np.testing.assert_allclose(heard, expected, atol=2e-6)


@BOTH
def test_a_graph_of_any_batch_plays_them_alike(signal):
    graph = tf.function(lambda held, gains: play(Sound(held, gains), signal, amplified=True), reduce_retracing=True)
    for count in (5, 3, 2):
        held, gains = made(count, signal), draw_gains(count, 6.0, 3.0, rng(count))
        np.testing.assert_allclose(graph(held, gains).numpy(), played(held, gains, signal), atol=1e-6)


@BOTH
def test_without_gains_windows_are_decoded_and_no_more(signal):
    held = made(3, signal)
    np.testing.assert_array_equal(played(held, gains_of(9, 9, 3), signal, amplified=False), signal.decode(held))


def test_varied_windows_are_float32_already():
    held = made(3, LOG_MEL).astype(np.float32) + np.float32(1e-4)  # which float16 cannot tell
    np.testing.assert_array_equal(played(held, gains_of(0, 0, 3), LOG_MEL, amplified=False), held)


@BOTH
def test_windows_are_held_in_the_records_own_dtype(signal):
    frames = made(1, signal)[0]
    (window,) = signal.cut_all([{signal.field: frames}], [0])
    assert window.dtype == frames.dtype == signal.dtype
    np.testing.assert_array_equal(window, frames)
    assert signal.cut_all([], []).shape == (0, *signal.shape)


def test_an_equaliser_is_a_straight_line_for_each_window():
    gains = draw_gains(400, 6.0, 0.0, rng())
    assert gains.shape == (400, 2) and gains.dtype == np.float32
    assert -6 <= gains.min() < -5.5 and 5.5 < gains.max() <= 6 and abs(np.corrcoef(gains.T)[0, 1]) < 0.2


def test_a_gain_is_the_same_at_every_pitch():
    gains = draw_gains(400, 0.0, 12.0, rng())
    np.testing.assert_array_equal(gains[:, 0], gains[:, 1])
    assert -12 <= gains.min() < -11.5 and 11.5 < gains.max() <= 12
    # Beside an equaliser: the same draws, and the gains after them.
    both, alone = draw_gains(400, 6.0, 12.0, rng(1)), draw_gains(400, 6.0, 0.0, rng(1))
    np.testing.assert_allclose(np.ptp(both - alone, axis=1), 0, atol=1e-5)


def test_without_limits_nothing_is_drawn():
    source = rng()
    assert not draw_gains(3, 0.0, 0.0, source).any() and source.random() == rng().random()


@BOTH
@pytest.mark.parametrize("decibels", [-18.0, -3.3, 0.0, 6.0, 18.0])
def test_gains_leave_silence_silent(signal, decibels):
    assert not played(np.zeros((5, *signal.shape), signal.dtype), gains_of(decibels, -decibels), signal).any()


def test_no_window_at_all():
    nothing = np.zeros((0, 129, 128), np.float16)
    assert played(nothing, draw_gains(0, 6.0, 3.0, rng()), LOG_MEL).shape == (0, 129, 128)
