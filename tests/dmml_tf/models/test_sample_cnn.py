"""SampleCNN computes what the layers in their published order do, from the same weights."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.sample_cnn import sample_cnn_vector

layers = keras.layers


def in_published_order(audio, width):
    """Convolution, normalisation, ReLU, pool, one after another."""

    def unit(x, filters, kernel, strides=1):
        x = layers.Conv1D(filters, kernel, strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    x = unit(layers.Reshape((audio.shape[1], 1))(audio), 2 * width, 3, strides=3)
    for factor in (2, 2, 4, 4, 4, 4, 4, 4, 8):
        x = layers.MaxPooling1D(3)(unit(x, factor * width, 3))
    return layers.Flatten()(unit(x, 8 * width, 1))


@pytest.mark.slow
def test_it_is_the_published_order_of_layers():
    audio = keras.Input((59_049,))
    published, found = (keras.Model(audio, make(audio, 1)) for make in (in_published_order, sample_cnn_vector))
    rng = np.random.default_rng(0)
    # Normalisations whose factors, offsets and statistics are not those that they begin with.
    weights = [
        rng.uniform(0.1, 1, w.shape) if w.ndim == 1 else rng.normal(0, 0.5, w.shape) for w in found.get_weights()
    ]
    for model in (published, found):
        model.set_weights(weights)
    samples = rng.normal(0, 0.3, (2, 59_049)).astype(np.float32)
    expected = published(samples, training=False).numpy()
    assert (expected > 0).any()
    np.testing.assert_allclose(found(samples, training=False).numpy(), expected, rtol=1e-4, atol=1e-5)
