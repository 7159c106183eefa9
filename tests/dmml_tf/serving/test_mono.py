"""The downmix in the graph against that of the decoder."""

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.serving.mono import mix_down
from tfrecords_tools.audio.downmix import USUAL_CHANNELS, WEIGHTS, Downmix

RATE = 1_000  # stretches of 10,000 frames: a test of 70 s is small
_MIX = tf.function(
    mix_down, [tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.int64)], autograph=False
)


def sound(channels: int, frames: int = 70_000) -> np.ndarray:
    levels = np.random.default_rng(channels).uniform(0.1, 1.0, channels)
    return (np.random.default_rng(0).normal(0, 0.2, (frames, channels)) * levels).astype(np.float32)


def assert_as_decoded(samples: np.ndarray, names: tuple, mask: int = 0) -> np.ndarray:
    downmix = Downmix(names, RATE)
    expected = np.concatenate([np.zeros(0, np.float32), *downmix.add(samples), *downmix.end()])
    found = _MIX(samples, RATE, mask).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    return found


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_without_names(channels):
    assert_as_decoded(sound(channels), USUAL_CHANNELS[channels])


def test_more_channels_than_any_usual_file_are_all_alike():
    found = assert_as_decoded(sound(9), ("?",) * 9)
    np.testing.assert_allclose(found, sound(9).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("mask", [0x7, 0xB, 0x33, 0x107, 0x3F, 0x60F, 0xFF, 0x63F, 0x3FFFF])
def test_channels_that_the_mask_names(mask):
    names = tuple(name for bit, name in enumerate(list(WEIGHTS)[:18]) if mask >> bit & 1)
    assert_as_decoded(sound(len(names)), names, mask)


@pytest.mark.parametrize(
    "mask, names", [(0x60F, ("FL", "FR")), (0x40003, ("?",) * 3), (0x80000000, ("FC",)), (0xC, ("FL", "FR"))]
)
def test_a_mask_of_another_number_of_channels_or_of_unknown_speakers(mask, names):
    assert_as_decoded(sound(len(names)), names, mask)


def test_one_side_upside_down_then_one_alone_then_both():
    samples = sound(2, 90_000)
    samples[:30_000, 1] = -samples[:30_000, 0]
    samples[30_000:60_000, 0] = 0.0
    found = assert_as_decoded(samples, ("FL", "FR"))
    np.testing.assert_array_equal(found[:30_000], samples[:30_000, 0])
    np.testing.assert_array_equal(found[30_000:60_000], samples[30_000:60_000, 1])
    np.testing.assert_allclose(found[60_000:], samples[60_000:].mean(axis=1), atol=1e-7)


def test_sides_that_cancel_for_a_part_of_a_stretch():
    samples = sound(2, 30_000)
    samples[:, 1] = samples[:, 0]
    samples[10_500:16_700, 1] *= -1.02
    found = assert_as_decoded(samples, ("FL", "FR"))
    assert np.count_nonzero(found == 0.0) == 0
    assert np.abs(found[11_000:16_000]).max() > 0.1


def test_six_channels_of_which_two_sound():
    samples = sound(6, 5_000)
    samples[:, 2:] = 0.0
    found = assert_as_decoded(samples, USUAL_CHANNELS[6])
    np.testing.assert_allclose(found, samples[:, :2].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("frames", [0, 1, 29_999, 30_000, 30_001])
def test_lengths_about_a_stretch(frames):
    assert_as_decoded(sound(2, frames), ("FL", "FR"))


def test_silence_stays_silence():
    assert not assert_as_decoded(np.zeros((40_000, 2), np.float32), ("FL", "FR")).any()
