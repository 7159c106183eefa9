"""The graph with a teacher: its loss against NumPy, what it refuses, and a few steps of it."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.training.objectives.taught import Copy, TeacherLoss, build_taught_model
from dmml_tf.training.objectives.triplets import build_triplet_model

CONDITIONS = Conditions([SharedTag("genre", width=3), Within("tempo", 5.0, width=4), SameTrack("track", width=0)])


COPIES = (Copy("teacher_genre", "genre", 2, 0.5), Copy("teacher_whole", "whole", 3, 2.0))


def embedding():
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(7)(inputs))


def batch(heard=5):
    rng = np.random.default_rng(0)
    taught = rng.normal(size=(5, heard)).astype(np.float32)
    taught[1] = np.nan
    return {
        "windows": rng.normal(size=(5, 6)).astype(np.float32),
        "triplets": rng.integers(5, size=(12, 3)).astype(np.int32),
        "condition": (np.arange(12) % 3).astype(np.int32),
        "heard": taught,
    }


def test_the_added_loss_is_the_mean_squared_error_of_the_known_rows():
    network, inputs = embedding(), batch()
    model = build_taught_model(network, CONDITIONS, COPIES)
    model(inputs)
    losses = {}
    for layer in model.layers:
        if isinstance(layer, TeacherLoss):
            layer([network(inputs["windows"]), inputs["heard"]])
            losses[layer.name] = float(layer.losses[-1])
    vectors = np.asarray(network(inputs["windows"]), np.float64)
    for name, space, columns, weight in (
        ("genre", slice(0, 3), slice(0, 2), 0.5),
        ("whole", slice(0, 7), slice(2, 5), 2.0),
    ):
        layer = model.get_layer(f"teacher_{name}")
        part = vectors[:, space]
        unit = part / np.linalg.norm(part, axis=1, keepdims=True) * np.sqrt(part.shape[1])
        copy = unit @ np.asarray(layer.kernel) + np.asarray(layer.bias)
        error = (copy - inputs["heard"][:, columns])[[0, 2, 3, 4]]
        assert losses[f"teacher_{name}"] == pytest.approx(weight * np.mean(error**2), rel=1e-4)


def test_distances_are_those_without_a_teacher():
    network, inputs = embedding(), batch()
    taught = build_taught_model(network, CONDITIONS, COPIES)
    plain = build_triplet_model(network, CONDITIONS)
    without = {name: value for name, value in inputs.items() if name != "heard"}
    np.testing.assert_allclose(np.asarray(taught(inputs)), np.asarray(plain(without)), atol=1e-6)


def test_a_batch_that_the_teacher_did_not_hear_adds_nothing():
    inputs = batch()
    inputs["heard"][:] = np.nan
    model = build_taught_model(embedding(), CONDITIONS, [Copy("teacher_genre", "genre", 5, 1.0)])
    model(inputs)
    layer = model.get_layer("teacher_genre")
    layer([np.ones((5, 7), np.float32), inputs["heard"]])
    assert float(layer.losses[-1]) == 0
