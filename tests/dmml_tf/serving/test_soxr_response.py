"""The gain measured by one impulse against what soxr makes of tones."""

import numpy as np
import pytest
import soxr

from dmml_tf.serving.soxr_response import POINTS, RATES, response, responses


def of_a_tone(hertz: float, rate: int, new_rate: int) -> float:
    """How loud a tone of loudness 1 is after soxr, fitted in the middle of a second."""
    heard = soxr.resample(np.cos(2 * np.pi * hertz * np.arange(rate) / rate), rate, new_rate, "HQ")
    time = np.arange(len(heard)) / new_rate
    middle = (time > 0.3) & (time < 0.7)
    waves = np.stack([np.cos(2 * np.pi * hertz * time), np.sin(2 * np.pi * hertz * time)], axis=1)[middle]
    return float(np.linalg.lstsq(waves, heard[middle], rcond=None)[0][0])


@pytest.mark.parametrize(
    "rate, new_rate", [(8_000, 22_050), (44_100, 22_050), (48_000, 22_050), (44_101, 22_050), (96_000, 16_000)]
)
def test_gain_is_that_of_tones(rate, new_rate):
    gain = response(rate, new_rate)
    for place in (0.05, 0.5, 0.8, 0.9, 0.93, 0.9568, 0.98):
        wanted = of_a_tone(place * min(rate, new_rate) / 2, rate, new_rate)
        assert np.interp(place, np.linspace(0, 1, POINTS), gain) == pytest.approx(wanted, abs=2e-5)


def test_all_pass_low_tones_and_stop_at_half_the_lower_rate():
    gains = responses(22_050)
    assert gains.shape == (len(RATES), POINTS) and gains.dtype == np.float32
    np.testing.assert_allclose(gains[:, : POINTS // 2], 1.0, atol=1e-5)
    np.testing.assert_allclose(gains[:, -1], 0.0, atol=1e-5)
    assert (gains[:, int(0.913 * POINTS)] > 0.998).all() and sorted(RATES) == list(RATES)
