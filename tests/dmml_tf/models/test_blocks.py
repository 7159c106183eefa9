"""Blocks: each halves the map, rounding up, and gives four times the width."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.blocks import BLOCKS, block_by_name, conv_unit, squeeze_excitation
from tfrecords_tools.errors import UserError


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    "shape, width, expected",
    [
        ((64, 64, 3), 2, (32, 32, 8)),
        ((2, 2, 5), 3, (1, 1, 12)),
        ((1, 1, 4), 1, (1, 1, 4)),
        ((5, 7, 1), 1, (3, 4, 4)),
    ],
)
def test_geometry(name, shape, width, expected):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, block_by_name(name)(inputs, width))
    assert tuple(model.output_shape[1:]) == expected
    found = np.asarray(model(np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)))
    assert found.shape == (2, *expected) and np.isfinite(found).all()
    assert (found >= 0).all()  # every branch ends in a rectifier; a factor of 0 to 1 keeps the sign


def layers_of(name, shape=(8, 8, 3), width=2):
    inputs = keras.Input(shape)
    return keras.Model(inputs, block_by_name(name)(inputs, width)).layers


def kinds(found, kind):
    return [layer for layer in found if isinstance(layer, kind)]


@pytest.mark.parametrize("name", BLOCKS)
def test_every_convolution_is_normalised_and_has_no_bias(name):
    found = layers_of(name)
    # Those of squeeze-and-excitation alone are dense layers in fact: a bias, an activation, no normalisation.
    convolutions = [layer for layer in kinds(found, keras.layers.Conv2D) if layer.activation.__name__ == "linear"]
    assert len(convolutions) == len(kinds(found, keras.layers.BatchNormalization)) >= 1
    assert not any(layer.use_bias for layer in convolutions)


@pytest.mark.parametrize("name, kernels", [("conv", [(3, 1)]), ("resnet", [(1, 1), (3, 1), (3, 2)])])
def test_squeeze_and_excitation_adds_two_dense_layers_to_either(name, kernels):
    plain, squeezed = (kinds(layers_of(n, width=16), keras.layers.Conv2D) for n in (name, f"{name}_se"))
    assert sorted((layer.kernel_size[0], layer.strides[0]) for layer in plain) == kernels
    added = [layer for layer in squeezed if layer.use_bias]
    assert [(layer.filters, layer.activation.__name__) for layer in added] == [(4, "relu"), (64, "sigmoid")]
    assert len(squeezed) == len(plain) + 2


def test_squeeze_excitation_is_its_definition():
    inputs = keras.Input((3, 2, 32))
    model = keras.Model(inputs, squeeze_excitation(inputs))
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 32)).astype(np.float32)
    first, first_bias, second, second_bias = (w.squeeze() for w in model.get_weights())
    hidden = np.maximum(x.mean(axis=(1, 2)) @ first + first_bias, 0)
    factor = 1 / (1 + np.exp(-(hidden @ second + second_bias)))
    np.testing.assert_allclose(np.asarray(model(x)), x * factor[:, None, None], atol=1e-5)


def test_a_residual_of_zero_leaves_the_shortcut():
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, block_by_name("resnet")(inputs, 1))
    (shortcut,) = [layer for layer in kinds(model.layers, keras.layers.Conv2D) if layer.kernel_size == (1, 1)]
    for layer in kinds(model.layers, keras.layers.Conv2D):
        if layer is not shortcut:
            layer.set_weights([np.zeros_like(layer.get_weights()[0])])
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)
    expected = np.maximum(x[:, ::2, ::2] @ shortcut.get_weights()[0][0, 0], 0) / np.sqrt(1.001)
    np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-5)


def test_inception_has_the_papers_kernels():
    inputs = keras.Input((8, 8, 3))
    found = keras.Model(inputs, block_by_name("inception")(inputs, 2)).layers
    kernels = [(layer.kernel_size[0], layer.strides[0]) for layer in found if isinstance(layer, keras.layers.Conv2D)]
    naive = [(1, 1), (3, 2), (5, 2)]  # the stride of the first is taken before it
    reduced = [(1, 1)] * 4 + [(3, 1), (5, 1)]
    assert sorted(kernels) == sorted(naive + reduced)
    pools = [(p.pool_size[0], p.strides[0]) for p in found if isinstance(p, keras.layers.MaxPooling2D)]
    assert sorted(pools) == [(1, 2), (3, 1), (3, 2)]


def test_an_unknown_block_lists_the_known():
    with pytest.raises(UserError, match="'resnext'; known are: inception, conv, conv_se, resnet, resnet_se"):
        block_by_name("resnext")


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_a_kernel_of_one_place_with_a_stride_is_the_convolution_of_what_the_stride_keeps(size):
    maps = keras.Input((size, size, 3))
    network = keras.Model(maps, conv_unit(maps, 2, 1, strides=2))
    (convolution,) = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    x = np.random.default_rng(0).normal(size=(4, size, size, 3)).astype(np.float32)
    kernel = np.asarray(convolution.get_weights()[0])
    before = keras.Model(maps, convolution.output)
    strided = tf.nn.conv2d(x, kernel, 2, "SAME")
    np.testing.assert_allclose(before(x), strided, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", BLOCKS)
def test_no_block_strides_a_kernel_of_one_place(name):
    """The gradient of such a convolution corrupts the heap in oneDNN, where both sides have few channels."""
    maps = keras.Input((8, 8, 2))
    network = keras.Model(maps, block_by_name(name)(maps, 1))
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions and all(layer.strides == (1, 1) for layer in convolutions if layer.kernel_size == (1, 1))
