"""One harness over the layers between embedding and loss: shapes, config, saving, precision, gradients, oracle."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models import masks as layers
from dmml_tf.spaces import unit

RNG = np.random.default_rng(0)
MASKS = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
TRIPLETS = RNG.normal(size=(5, 3, 4)).astype(np.float32)
TRIPLETS[0, 1] = TRIPLETS[0, 0]  # anchor equal to positive
TRIPLETS[1, 0] = 0.0  # a silent anchor
TRIPLETS[2] = 0.0
TRIPLETS[3, 2] = 1e-20
ROWS = RNG.integers(6, size=(5, 3)).astype(np.int32)
CONDITION = np.array([0, 1, 2, 2, 0], np.int32)
CUSTOM = {name: getattr(layers, name) for name in ("GatherTriplets", "ConditionMask", "UnitLength", "TripletDistances")}


def gather(embeddings, rows):
    return np.array([[embeddings[i] for i in row] for row in rows])


def mask(x, condition):
    return np.stack([triplet * np.array(MASKS[c]) for triplet, c in zip(x, condition)])


def distances(x):
    return np.array([[np.sqrt(sum((a - b) ** 2)) for b in (p, n)] for a, p, n in x.astype(np.float64)])


# layer, inputs, oracle
CASES = {
    "gather": (layers.GatherTriplets, {}, [RNG.normal(size=(6, 4)).astype(np.float32), ROWS], gather),
    "mask": (layers.ConditionMask, {"masks": MASKS}, [TRIPLETS, CONDITION], mask),
    "unit": (layers.UnitLength, {}, [TRIPLETS], unit),
    "distances": (layers.TripletDistances, {}, [TRIPLETS], distances),
}
harness = pytest.mark.parametrize("layer, arguments, values, oracle", CASES.values(), ids=CASES)


def alone(values):
    return values if len(values) > 1 else values[0]


@harness
def test_oracle_shape_and_precision(layer, arguments, values, oracle):
    found = layer(**arguments)(alone(values))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(np.asarray(found), oracle(*values), atol=1e-6)
    shape = layer(**arguments).compute_output_shape(alone([value.shape for value in values]))
    assert tuple(shape) == tuple(found.shape)


@harness
def test_config_round_trip(layer, arguments, values, oracle):
    first = layer(**arguments, name="mine")
    again = layer.from_config(first.get_config())
    assert again.name == "mine" and again.get_config() == first.get_config()
    np.testing.assert_array_equal(np.asarray(again(alone(values))), np.asarray(first(alone(values))))


@harness
def test_saving_within_a_model(layer, arguments, values, oracle, tmp_path):
    inputs = [keras.Input(value.shape[1:], dtype=value.dtype.name) for value in values]
    model = keras.Model(inputs, layer(**arguments)(alone(inputs)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    tensors = [tf.constant(value) for value in values]
    np.testing.assert_allclose(np.asarray(again(tensors)), oracle(*values), atol=1e-6)


@harness
def test_gradients_are_finite_also_at_zero_and_where_anchor_equals_positive(layer, arguments, values, oracle):
    x = tf.Variable(values[0])
    with tf.GradientTape() as tape:
        found = tf.reduce_sum(
            layer(**arguments)(alone([x, *values[1:]])) ** 2 + layer(**arguments)(alone([x, *values[1:]]))
        )
    gradient = tf.convert_to_tensor(tape.gradient(found, x))
    assert np.isfinite(np.asarray(gradient)).all() and np.asarray(gradient).any()


def test_the_distances_gradient_is_the_finite_difference():
    x = TRIPLETS[4:].astype(np.float64)
    with tf.GradientTape() as tape:
        variable = tf.Variable(x.astype(np.float32))
        total = tf.reduce_sum(layers.TripletDistances()(variable))
    gradient = np.asarray(tape.gradient(total, variable))
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-4
        expected = (distances(x + step).sum() - distances(x - step).sum()) / 2e-4
        assert gradient[index] == pytest.approx(expected, abs=1e-3)


def test_equal_windows_have_distance_zero_and_no_gradient():
    x = tf.Variable(np.ones((1, 3, 4), np.float32))
    with tf.GradientTape() as tape:
        found = layers.TripletDistances()(x)
    assert (np.asarray(found) == 0).all()
    assert (np.asarray(tape.gradient(found, x)) == 0).all()


def test_zero_vectors_stay_zero():
    found = np.asarray(layers.UnitLength()(TRIPLETS))
    assert (found[2] == 0).all() and (found[1, 0] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(found[4], axis=-1), 1.0, atol=1e-6)


def test_masks_are_never_trained():
    layer = layers.ConditionMask(np.array(MASKS))
    layer([TRIPLETS, CONDITION])
    assert layer.trainable_weights == [] and layer.masks == MASKS
