"""LEAF's three layers against their definitions written out in NumPy, and PCEN against librosa's."""

import librosa
import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.leaf import STEP, EnergyPool, GaborFilters, Pcen, deviation_limits, leaf_map, mel_gabors
from tfrecords_tools.features import LogMel

RATE, WINDOW, FILTERS = 22_050, 551, 6
RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 0.2, (2, 1_600)).astype(np.float32)


def gabor_energy(audio, centre, deviation, window):
    """|sum_t g(t) x(s + t)|^2 at every sample s, filter by filter, with zeros on both sides."""
    time = np.arange(window) - window // 2
    padded = np.pad(audio.astype(np.float64), window // 2)
    found = []
    for c, d in zip(centre.astype(np.float64), deviation.astype(np.float64)):
        kernel = np.exp(1j * c * time - time**2 / (2 * d**2)) / (np.sqrt(2 * np.pi) * d)
        found.append(np.abs(np.correlate(padded, kernel.conj(), "valid")) ** 2)
    return np.stack(found, axis=1)


def gaussian_pool(energy, window, hop, width=0.4):
    """Weighted sums around every hop-th row, row by row."""
    time = np.arange(window) - window // 2
    weights = np.exp(-0.5 * (time / (width * (window - 1) / 2)) ** 2)
    padded = np.pad(energy, ((window // 2, window // 2), (0, 0)))
    return np.stack([weights @ padded[n * hop : n * hop + window] for n in range(len(energy) // hop)])


def energy_of(filtered):
    """Squared modulus of what `GaborFilters` gives."""
    real, imaginary = np.split(np.asarray(filtered), 2, axis=-1)
    return real**2 + imaginary**2


@pytest.mark.parametrize("step", [1, 8, 32])
@pytest.mark.parametrize("window", [551, 21])
def test_gabor_filters_are_their_definition_at_every_step(step, window):
    layer = GaborFilters(FILTERS, RATE, window, step)
    found = layer(NOISE).numpy()
    assert found.shape == (2, 1_600 // step, 2 * FILTERS) == layer.compute_output_shape((2, 1_600))
    for row, audio in zip(energy_of(found), NOISE):
        expected = gabor_energy(audio, *mel_gabors(FILTERS, RATE, window), window)[::step]
        np.testing.assert_allclose(row, expected, atol=1e-6, rtol=1e-4)


def test_weights_move_the_bands_in_units_of_their_own():
    layer = GaborFilters(FILTERS, RATE, WINDOW, 1)
    layer.build((None, 100))
    centre, deviation = mel_gabors(FILTERS, RATE, WINDOW)
    shift, stretch = np.array([0, 1, -0.5, 0, 0, 0]), np.array([0, 0, 0, 0.5, -0.3, 0])
    layer.set_weights([shift, stretch])
    distance = [
        centre[1] - centre[0],
        *((centre[n + 1] - centre[n - 1]) / 2 for n in range(1, 5)),
        centre[5] - centre[4],
    ]
    found = [np.asarray(values) for values in layer.bands()]
    np.testing.assert_allclose(found[0], centre + shift * distance, rtol=1e-5)
    np.testing.assert_allclose(found[1], deviation * np.exp(stretch), rtol=1e-5)
    np.testing.assert_allclose(
        energy_of(layer(NOISE[:1, :100]))[0], gabor_energy(NOISE[0, :100], *found, WINDOW), atol=1e-6, rtol=1e-3
    )


def test_bands_out_of_range_count_as_its_ends():
    layer = GaborFilters(2, RATE, 21, 1)
    layer.build((None, 100))
    layer.set_weights([np.array([-99.0, 99.0]), np.array([-30.0, 30.0])])
    expected = gabor_energy(NOISE[0, :100], np.array([0, np.pi]), np.array(deviation_limits(21)), 21)
    np.testing.assert_allclose(energy_of(layer(NOISE[:1, :100]))[0], expected, atol=1e-6, rtol=1e-4)


def test_the_filters_begin_at_the_mel_bands():
    centre, deviation = mel_gabors(128, RATE, WINDOW)
    edges = librosa.mel_frequencies(130, fmin=0, fmax=RATE / 2)
    np.testing.assert_allclose(centre * RATE / (2 * np.pi), edges[1:-1], rtol=1e-5)
    # At half height of |spectrum|, the band is as wide as the square root of the mel triangle.
    for n in (40, 100):
        spectrum = np.exp(-0.5 * ((2 * np.pi * np.arange(11_025) / RATE - centre[n]) * deviation[n]) ** 2)
        triangle = np.interp(np.arange(11_025), edges[n : n + 3], [0, 1, 0])
        assert (spectrum >= 0.5).sum() == pytest.approx((np.sqrt(triangle) >= 0.5).sum(), abs=2)
    least, greatest = deviation_limits(WINDOW)
    assert (deviation >= least).all() and (deviation <= greatest + 1e-3).all()


def test_a_tone_lights_up_its_own_band():
    centre = mel_gabors(128, RATE, WINDOW)[0]
    tone = np.sin(centre[70] * np.arange(8_192))[None].astype(np.float32)
    assert int(np.argmax(energy_of(GaborFilters(128, RATE, WINDOW, STEP)(tone))[0, 128])) == 70


@pytest.mark.parametrize("step", [1, 2, 8])
def test_pool_is_its_definition(step):
    filtered = RNG.normal(0, 1, (2, 160 // step, 6)).astype(np.float32)
    layer = EnergyPool(41, 32, step)
    layer.build((None, None, 6))
    layer.set_weights([np.array([0.4, 0.1, 9.0], np.float32)])
    found = layer(filtered).numpy()
    assert found.shape == (2, 5, 3) == layer.compute_output_shape(filtered.shape)
    full = np.zeros((2, 160, 3))
    full[:, ::step] = step * energy_of(filtered)  # each place stands for `step` samples
    for row, values in zip(found, full):
        expected = [gaussian_pool(values[:, n : n + 1], 41, 32, width)[:, 0] for n, width in enumerate((0.4, 0.1, 0.5))]
        np.testing.assert_allclose(row, np.stack(expected, axis=1), rtol=1e-4)


def test_every_32nd_sample_gives_the_frames_that_all_give():
    audio = RNG.normal(0, 0.2, (1, 11_025)).astype(np.float32)
    exact, coarse = (
        EnergyPool(WINDOW, 512, step)(GaborFilters(128, RATE, WINDOW, step)(audio)).numpy() for step in (1, STEP)
    )
    error = np.abs(coarse - exact) / exact
    assert 0 < np.median(error) < 0.005 and np.quantile(error, 0.99) < 0.12


def pcen_oracle(x, alpha, smooth, delta, root):
    x, memory, rows = np.maximum(x, Pcen.FLOOR), None, []
    for row in x.astype(np.float64):
        memory = row if memory is None else (1 - smooth) * memory + smooth * row
        rows.append((row / (1e-12 + memory) ** alpha + delta) ** (1 / root) - delta ** (1 / root))
    return np.array(rows)


def test_pcen_is_its_recursion_for_each_channel():
    x = np.maximum(RNG.normal(1, 2, (2, 40, 3)), 0).astype(np.float32)
    weights = np.array([[0.96, 0.5, 2.0], [0.04, 0.5, 0.0], [2, 1, 0.5], [2.0, 1.0, 4.0]], np.float32)
    layer = Pcen()
    layer.build((None, 40, 3))
    layer.set_weights(list(weights))
    used = np.minimum(weights, [[1.0], [np.inf], [np.inf], [np.inf]])
    for row, values in zip(layer(x).numpy(), x):
        expected = np.stack([pcen_oracle(values[:, n], *used[:, n]) for n in range(3)], axis=1)
        np.testing.assert_allclose(row, expected, atol=1e-5, rtol=1e-4)


def test_pcen_agrees_with_librosa():
    x = RNG.uniform(1e-4, 5, (60, 4)).astype(np.float32)
    expected = librosa.pcen(
        x.T.astype(np.float64), gain=0.96, bias=2, power=0.5, b=0.04, eps=1e-12, zi=0.96 * x[:1].T.astype(np.float64)
    )
    np.testing.assert_allclose(Pcen()(x[None])[0], expected.T, atol=1e-5, rtol=1e-4)


def test_the_map_has_the_log_mels_geometry_and_gradients_are_finite_in_silence():
    inputs = keras.Input((2_000,))
    model = keras.Model(inputs, leaf_map(inputs, LogMel(n_mels=4)))
    assert tuple(model.output_shape) == (None, 3, 4)
    audio = np.stack([np.zeros(2_000), np.sin(np.arange(2_000))]).astype(np.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(audio) ** 2)
    gradients = tape.gradient(total, model.trainable_weights)
    assert len(gradients) == 7 and all(np.isfinite(g).all() for g in gradients)
    assert [bool(np.any(g)) for g in gradients] == [True] * 7
