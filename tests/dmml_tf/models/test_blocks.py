"""Blocks: each halves the map, rounding up, and gives four times the width."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.blocks import BLOCKS, block_by_name
from tfrecords_tools.errors import UserError


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("shape, width, expected", [
    ((64, 64, 3), 2, (32, 32, 8)), ((2, 2, 5), 3, (1, 1, 12)), ((1, 1, 4), 1, (1, 1, 4)), ((5, 7, 1), 1, (3, 4, 4)),
])
def test_geometry(name, shape, width, expected):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, block_by_name(name)(inputs, width))
    assert tuple(model.output_shape[1:]) == expected
    found = np.asarray(model(np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)))
    assert found.shape == (2, *expected) and np.isfinite(found).all()
    assert (found >= 0).all()  # every branch ends in a rectifier


@pytest.mark.parametrize("name", BLOCKS)
def test_every_convolution_is_normalised_and_has_no_bias(name):
    inputs = keras.Input((8, 8, 3))
    found = keras.Model(inputs, block_by_name(name)(inputs, 2)).layers
    convolutions = [layer for layer in found if isinstance(layer, keras.layers.Conv2D)]
    normalisations = [layer for layer in found if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(convolutions) == len(normalisations) >= 1
    assert not any(layer.use_bias for layer in convolutions)


def test_inception_has_the_papers_kernels():
    inputs = keras.Input((8, 8, 3))
    found = keras.Model(inputs, block_by_name("inception")(inputs, 2)).layers
    kernels = [(layer.kernel_size[0], layer.strides[0]) for layer in found if isinstance(layer, keras.layers.Conv2D)]
    naive = [(1, 2), (3, 2), (5, 2)]
    reduced = [(1, 1)] * 4 + [(3, 1), (5, 1)]
    assert sorted(kernels) == sorted(naive + reduced)
    pools = sorted(layer.strides[0] for layer in found if isinstance(layer, keras.layers.MaxPooling2D))
    assert pools == [1, 2]


def test_an_unknown_block_lists_the_known():
    with pytest.raises(UserError, match="unknown block 'resnext'; known are: inception, conv"):
        block_by_name("resnext")
