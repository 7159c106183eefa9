"""Loudness: the standard's own figures, and an oracle that filters samples as the standard says."""

import numpy as np
import pytest
import scipy.signal

from tfrecords_tools.features import LogMel
from tfrecords_tools.loudness import SILENT, gain_between, integrated, power_of

CHAIN = LogMel()
RATE = CHAIN.sample_rate
# ITU-R BS.1770-4, tables 1 and 2: both filters at 48 kHz, numerator and denominator of each.
STANDARD = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)


def brute_force(samples: np.ndarray, rate: int = 48_000) -> float:
    """The standard, sample by sample, at its own rate."""
    samples = scipy.signal.resample_poly(samples.astype(float), rate // 150, RATE // 150)
    weighted = scipy.signal.sosfilt(STANDARD, samples) ** 2
    block, step = int(0.4 * rate), int(0.1 * rate)
    blocks = np.array([weighted[n : n + block].mean() for n in range(0, len(weighted) - block + 1, step)])
    lufs = -0.691 + 10 * np.log10(np.maximum(blocks, 1e-30))
    loud = blocks[lufs > -70]
    if not len(loud):
        return SILENT
    gate = -0.691 + 10 * np.log10(loud.mean()) - 10
    return -0.691 + 10 * np.log10(loud[(lufs > gate)[lufs > -70]].mean())


def measure(samples: np.ndarray) -> float:
    return CHAIN.measure_loudness([samples.astype(np.float32)])


def tone(hertz: float, seconds: float = 6.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def music(seed: int, seconds: float = 12.0) -> np.ndarray:
    """A melody of decaying notes over a drum and noise, with a quiet second part: what the gates are for."""
    rng = np.random.default_rng([seed])
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = rng.choice([110.0, 146.8, 220.0, 329.6, 440.0, 880.0], int(seconds / 0.3) + 1)[(t / 0.3).astype(int)]
    notes = np.sin(2 * np.pi * pitch * t) * np.exp(-4 * (t % 0.3))
    drum = np.sin(2 * np.pi * 90 * t) * np.exp(-25 * (t % 0.47))
    sound = 0.3 * notes + 0.3 * drum + 0.01 * rng.standard_normal(len(t))
    return np.where(t < 0.6 * seconds, 1.0, 0.05) * sound


def test_a_full_tone_of_997_hertz_is_what_the_standard_says():
    assert measure(tone(997.0)) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("hertz", [60.0, 100.0, 440.0, 2_000.0, 6_000.0])
def test_tones_agree_with_the_standard(hertz):
    assert measure(0.2 * tone(hertz)) == pytest.approx(brute_force(0.2 * tone(hertz)), abs=0.2)


@pytest.mark.parametrize("offset", [-0.3, 0.02])
def test_a_constant_offset_is_not_heard(offset):
    quiet = 0.01 * tone(440.0, 30.0)
    ends = np.minimum(1.0, np.minimum(np.arange(len(quiet)), np.arange(len(quiet))[::-1]) / RATE)  # no click
    assert measure(quiet + offset * ends) == pytest.approx(measure(quiet), abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_music_agree_with_the_standard(seed):
    noise = 0.1 * np.random.default_rng([seed]).standard_normal(6 * RATE)
    low = scipy.signal.sosfilt(scipy.signal.butter(1, 800, fs=RATE, output="sos"), noise)
    for samples in (low, music(seed)):
        assert measure(samples) == pytest.approx(brute_force(samples), abs=0.2)


@pytest.mark.parametrize("decibels", [-24, -20, -12, 6])
def test_a_gain_moves_the_loudness_by_itself(decibels):
    assert measure(music(0) * 10 ** (decibels / 20)) - measure(music(0)) == pytest.approx(decibels, abs=0.01)


def test_what_is_far_quieter_than_the_rest_does_not_count():
    loud = tone(440.0)
    assert measure(np.concatenate([loud, np.zeros(60 * RATE), 0.01 * loud])) == pytest.approx(measure(loud), abs=0.3)


@pytest.mark.parametrize("gain, silent", [(0.0, True), (10 ** (-69 / 20), True), (10 ** (-65 / 20), False)])
def test_silence_is_what_has_nothing_above_the_absolute_gate(gain, silent):
    assert (measure(gain * tone(997.0)) == SILENT) == silent  # a full tone is at -3 LUFS


def test_one_audible_block_in_an_hour_of_silence_is_no_silence():
    powers = np.zeros(155_000)
    assert integrated(powers, CHAIN.frames_per_second) == SILENT
    powers[70_000:70_040] = power_of(-40.0)
    assert integrated(powers, CHAIN.frames_per_second) == pytest.approx(-40, abs=3)


def test_less_than_a_block_is_silent():
    assert CHAIN.measure_loudness([]) == SILENT
    assert measure(tone(440.0, 0.1)) == SILENT


def test_blocks_and_the_log_mel_give_the_same_loudness():
    samples = music(1).astype(np.float32)
    whole = CHAIN.measure_loudness([samples])
    assert CHAIN.measure_loudness(np.split(samples, [5, 70_000, 200_001])) == pytest.approx(whole, abs=1e-4)
    heard = CHAIN.extract_blocks([samples])
    assert (heard.loudness, heard.samples) == (whole, len(samples))


def test_a_gain_is_between_two_loudnesses():
    assert gain_between(-26.0, -20.0) == pytest.approx(1.995, abs=1e-3)
    assert gain_between(-26.0, None) == gain_between(SILENT, -20.0) == 1.0
