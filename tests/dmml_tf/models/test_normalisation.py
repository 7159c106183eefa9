"""The fused normalisation against NumPy and against the Keras layer that it stands for."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.normalisation import MOMENTUM, BatchNormalization, normalised_map

KERAS_3 = hasattr(keras, "distribution")
keras_3 = pytest.mark.skipif(not KERAS_3, reason="the layer of Keras 2 is fused itself")
MAPS = [(6, 4, 5, 3), (3, 8, 8, 20), (2, 1, 1, 7), (1, 1, 1, 4)]
TINY = {"block": "inception", "width": (4, 1, 1, 1, 2, 4, 8), "size": 8}


def made(kind, shape, **kwargs):
    layer = kind(momentum=MOMENTUM, **kwargs)
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return layer


def pair(shape, **kwargs):
    """The layer and Keras's, with the same weights."""
    return (made(kind, shape, **kwargs) for kind in (BatchNormalization, keras.layers.BatchNormalization))


def trained(layer, shape, training=True, **call):
    """Output, gradients by input and weights, and all weights after a call on a map whose mean is not 0."""
    x = tf.constant(np.random.default_rng(0).normal(2, 3, shape), layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training, **call)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 3)
    gradients = tape.gradient(loss, [x, *layer.trainable_weights])
    return y.dtype, [np.asarray(tf.cast(value, tf.float32)) for value in (y, *gradients, *layer.get_weights())]


def require_same(layer, reference, shape, rtol, **call):
    (dtype, ours), (expected, theirs) = trained(layer, shape, **call), trained(reference, shape, **call)
    assert dtype == expected and len(ours) == len(theirs)
    for value, other in zip(ours, theirs):
        np.testing.assert_allclose(value, other, rtol=rtol, atol=rtol * np.abs(other).max())


@pytest.mark.parametrize("shape", MAPS)
def test_a_training_step_by_hand(shape):
    x = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    inputs = keras.Input(shape[1:])
    model = keras.Model(inputs, normalised_map(inputs))
    layer = model.layers[-1]
    gamma, beta, mean, variance = np.random.default_rng(1).uniform(0.5, 1.5, (4, shape[-1]))
    layer.set_weights([gamma, beta, mean, variance])
    y = np.asarray(model(x, training=True))
    count = x.size // shape[-1]
    moments = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(y, (x - moments[0]) / np.sqrt(moments[1] + 1e-3) * gamma + beta, atol=1e-4)
    unbiased = 1 if KERAS_3 or count == 1 else count / (count - 1)  # of Keras 2
    np.testing.assert_allclose(layer.moving_mean, 0.9 * mean + 0.1 * moments[0], rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 * variance + 0.1 * moments[1] * unbiased, rtol=1e-5)


@keras_3
@pytest.mark.parametrize("shape", MAPS)
@pytest.mark.parametrize("policy, rtol", [("float32", 1e-4), ("mixed_bfloat16", 0.02), ("mixed_float16", 4e-3)])
def test_it_trains_as_the_layer_of_keras(shape, policy, rtol):
    require_same(*pair(shape, dtype=policy), shape, rtol)


@keras_3
@pytest.mark.parametrize("arguments", [{"scale": False}, {"center": False}, {"epsilon": 0.1}, {"synchronized": True}])
def test_arguments_mean_what_they_mean_there(arguments):
    require_same(*pair(MAPS[0], **arguments), MAPS[0], 1e-4)


@keras_3
@pytest.mark.parametrize("shape, axis", [((5, 3), -1), ((5, 4, 3), -1), ((2, 3, 4, 5, 3), -1), (MAPS[0], 1)])
def test_other_shapes_are_left_to_keras(shape, axis):
    require_same(*pair(shape, axis=axis), shape, 0)


@keras_3
@pytest.mark.parametrize("frozen", [False, True])
def test_inference_and_frozen_layers_are_left_to_keras(frozen):
    layer, reference = pair(MAPS[0])
    layer.trainable = reference.trainable = not frozen
    require_same(layer, reference, MAPS[0], 0, training=frozen)


@keras_3
def test_a_mask_is_left_to_keras():
    mask = tf.constant(np.random.default_rng(2).random(MAPS[0][:3]) < 0.5)
    require_same(*pair(MAPS[0]), MAPS[0], 0, mask=mask)


def test_every_map_of_the_network_is_normalised_by_one_operation():
    network = build_embedding(**TINY)

    @tf.function(input_signature=[tf.TensorSpec((None, 129, 128))])
    def step(windows):
        return network(windows, training=True)

    operations = [operation.type for operation in step.get_concrete_function().graph.get_operations()]
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert operations.count("FusedBatchNormV3") == len(convolutions) == 54


def test_weights_have_the_names_of_the_layer_of_keras(tmp_path):
    """So that a run's weights are read on either side of the change."""
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    inputs = keras.Input((4, 4, 3))
    plain = keras.Model(inputs, keras.layers.BatchNormalization(momentum=MOMENTUM)(inputs))
    plain(x, training=True)
    plain.save_weights(str(tmp_path / "m.weights.h5"))
    model = keras.Model(inputs, normalised_map(inputs))
    model.load_weights(str(tmp_path / "m.weights.h5"))
    np.testing.assert_array_equal(model(x), plain(x))
    model.save(str(tmp_path / "m.keras"))
    again = keras.models.load_model(str(tmp_path / "m.keras"))
    np.testing.assert_array_equal(again(x), plain(x))
