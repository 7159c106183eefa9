"""The stem against the Keras layers it stands for."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.stem import Stem, fold


def plain(filters: int) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.layers.Conv2D(filters, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
        ]
    )


@pytest.mark.parametrize("shape", [(129, 128), (128, 128), (129, 129), (6, 7), (9, 8, 1), (9, 8, 3)])
def test_stem_and_its_gradients_equal_convolution_relu_and_pool(shape):
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    channels = x if len(shape) == 3 else x[..., None]
    stem, reference = Stem(5), plain(5)
    stem(x), reference(channels)
    kernel = np.random.default_rng(1).normal(size=(5, 5, channels.shape[3], 5)).astype(np.float32)
    weights = [kernel, np.linspace(-1, 1, 5)]
    stem.set_weights(weights)
    reference.set_weights(weights)

    def value_and_gradients(layer, batch):
        with tf.GradientTape() as tape:
            y = layer(batch)
            loss = tf.reduce_sum(y**2)
        return [y, *tape.gradient(loss, layer.trainable_weights)]

    for ours, theirs in zip(value_and_gradients(stem, x), value_and_gradients(reference, channels)):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("shape", [(3, 8, 6, 1), (2, 4, 10, 3), (1, 2, 2, 5), (0, 4, 4, 1)])
def test_fold_equals_space_to_depth_in_value_and_gradient(shape):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=shape).astype(np.float32))
    theirs = tf.nn.space_to_depth(x, 2)
    upstream = tf.constant(rng.normal(size=theirs.shape).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x)
        ours = fold(x)
    np.testing.assert_array_equal(ours, theirs)
    gradient = tape.gradient(ours, x, output_gradients=upstream)
    np.testing.assert_array_equal(gradient, tf.nn.depth_to_space(upstream, 2))


def test_stem_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((129, 128))
    model = keras.Model(inputs, Stem(3)(inputs))
    model.save(str(tmp_path / "m.keras"))
    x = np.random.default_rng(0).normal(size=(2, 129, 128)).astype(np.float32)
    again = keras.models.load_model(str(tmp_path / "m.keras"))
    np.testing.assert_array_equal(model.predict_on_batch(x), again.predict_on_batch(x))
    assert model.output_shape == (None, 64, 64, 3)
