"""Decoding and resampling in the graph, against soundfile and soxr."""

import math

import av
import numpy as np
import pytest
import soxr
import tensorflow as tf

from dmml_tf.serving.wav import _greatest_common_divisor, decode_mono, resample
from tests.dmml_tf.serving.made import stereo, wav_bytes
from tfrecords_tools.audio.decode import load_mono


def tone(hertz: float, rate: int, samples: int) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(samples) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 44_101, 48_000, 96_000])
@pytest.mark.parametrize("samples", [1, 1_000, 20_003])
def test_length_is_soxrs(rate, samples):
    found = resample(tf.ones([samples]), tf.constant(rate), 22_050).numpy()
    stream = soxr.ResampleStream(rate, 22_050, 1, dtype="float32")
    wanted = stream.resample_chunk(np.ones(samples, np.float32))
    wanted = np.concatenate([wanted, stream.resample_chunk(np.zeros(0, np.float32), last=True)])
    assert len(found) == len(wanted)


# At a rate that was not measured soxr may let 0.1 % more or less through, near the end of its pass band.
@pytest.mark.parametrize(
    "rate, tolerance",
    [(8_000, 3e-5), (16_000, 3e-5), (32_000, 3e-5), (44_100, 3e-5), (48_000, 3e-5), (96_000, 3e-5), (44_101, 1e-3)],
)
def test_music_as_soxr_resamples_it(rate, tolerance):
    music = soxr.resample(stereo()[:96_000, 0], 48_000, rate).astype(np.float32)
    found = resample(tf.constant(music), tf.constant(rate), 22_050).numpy()
    wanted = soxr.resample(music, rate, 22_050)[: len(found)]
    assert np.abs(wanted).max() > 0.1
    assert np.abs(found[: len(wanted)] - wanted).max() < tolerance * np.abs(wanted).max()


def test_a_tone_stays_and_one_above_half_the_rate_goes():
    found = resample(tf.constant(tone(1_000, 48_000, 48_000)), tf.constant(48_000), 22_050).numpy()
    np.testing.assert_allclose(found[500:-500], tone(1_000, 22_050, 22_050)[500:-500], atol=1e-4)
    gone = resample(tf.constant(tone(11_500, 48_000, 48_000)), tf.constant(48_000), 22_050).numpy()
    assert np.abs(gone[500:-500]).max() < 1e-4


def test_the_end_does_not_ring_into_the_beginning():
    click = np.zeros(48_000, np.float32)
    click[-1] = 1.0
    found = resample(tf.constant(click), tf.constant(48_000), 22_050).numpy()
    assert np.abs(found[:20_000]).max() < 1e-6 and found.max() > 0.1


def test_channels_are_averaged_and_samples_are_not_touched():
    samples = np.stack([tone(440, 22_050, 5_000) * 0.5, tone(700, 22_050, 5_000) * 0.3], axis=1)
    found = decode_mono(tf.constant(wav_bytes(samples, 22_050)), 22_050).numpy()
    np.testing.assert_allclose(found, samples.mean(axis=1), atol=1 / 32_768)


@pytest.mark.parametrize("layout", ["mono", "stereo", "2.1", "4.0", "quad", "5.0(side)", "5.1", "5.1(side)", "7.1"])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le"])
def test_channels_are_mixed_as_the_decoder_mixes_them(tmp_path, layout, codec):
    channels = av.AudioLayout(layout).nb_channels
    noise = np.random.default_rng(0).integers(-9_000, 9_000, (1, 50_000 * channels)).astype(np.int16)
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream(codec, rate=44_100, layout=layout)
        frame = av.AudioFrame.from_ndarray(noise, format="s16", layout=layout)
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    expected = load_mono(tmp_path / "a.wav", 22_050)
    found = decode_mono(tf.constant((tmp_path / "a.wav").read_bytes()), 22_050).numpy()
    np.testing.assert_allclose(found[1_000:-1_000], expected[1_000 : len(found) - 1_000], atol=2e-4)


@pytest.mark.parametrize("a", [1, 2, 44_100, 44_101, 48_000, 7_919, 768_000])
def test_greatest_common_divisor(a):
    assert int(_greatest_common_divisor(tf.constant(a, tf.int64), 22_050)) == math.gcd(a, 22_050)
