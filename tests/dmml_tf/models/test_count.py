"""Multiply-adds against networks counted by hand."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.count import multiply_adds
from dmml_tf.models.frontends import LogMelFrontend
from dmml_tf.models.leaf import EnergyPool, GaborFilters, Pcen
from dmml_tf.models.sample_cnn import sample_cnn_vector
from dmml_tf.models.stem import Stem
from tfrecords_tools.features import LogMel

layers = keras.layers


def model(shape, *chain):
    x = inputs = keras.Input(shape)
    for layer in chain:
        x = layer(x)
    return keras.Model(inputs, x)


def test_a_small_network_counted_by_hand():
    small = model(
        (8, 6, 3),
        layers.Conv2D(5, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(7),
    )
    # 4 x 3 places of 3 x 3 x 3 -> 5, then 2 x 1 x 5 numbers -> 7
    assert multiply_adds(small) == 4 * 3 * 27 * 5 + 2 * 1 * 5 * 7
    assert multiply_adds(model((9, 2), layers.Conv1D(4, 3, strides=3))) == 3 * 3 * 2 * 4


def test_networks_inside_a_network_count():
    inner = model((5,), layers.Dense(3))
    assert multiply_adds(model((5,), inner, layers.Dense(2))) == 5 * 3 + 3 * 2


def test_the_stem_costs_what_the_convolution_it_stands_for_costs():
    assert multiply_adds(model((6, 8), Stem(4))) == 6 * 8 * 25 * 4


@pytest.mark.slow
def test_frontends_say_what_they_cost():
    log_mel = model((1_024,), LogMelFrontend(LogMel(n_fft=16, hop=256, n_mels=4)))
    assert multiply_adds(log_mel) == 4 * (16 * 4 + 9 * 4)  # 4 frames: 16 log2 16, and 9 bins -> 4 bands
    leaf = model((64,), GaborFilters(3, 8_000, 9, 4), EnergyPool(9, 16, 4), Pcen())
    # 16 places of 9 samples, real and imaginary; 4 frames of 3 places, both parts; two products a smoothed value
    assert multiply_adds(leaf) == 16 * 9 * 2 * 3 + 4 * 3 * 2 * 3 + 2 * 4 * 3


@pytest.mark.slow
def test_sample_cnn_ends_in_one_place():
    audio = keras.Input((66_150,))
    network = keras.Model(audio, sample_cnn_vector(audio, 2))
    assert tuple(network.output_shape) == (None, 16)
    places = [layer.output.shape[1] for layer in network.layers if isinstance(layer, layers.Conv1D)]
    assert places == [22_050, 22_050, 7_350, 2_450, 816, 272, 90, 30, 10, 3, 1]
    filters = [layer.filters for layer in network.layers if isinstance(layer, layers.Conv1D)]
    assert np.array_equal(np.array(filters) * 32, [128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512])
