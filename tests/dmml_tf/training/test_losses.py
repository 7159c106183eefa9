"""The triplet hinge against NumPy, alone and through `evaluate` with sample weights."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.training.losses import TripletHinge

DISTANCES = np.array([[0.2, 0.9], [0.9, 0.2], [0.5, 0.5], [0.4, 0.5], [0.0, 0.0], [1.9, 0.05]], np.float32)


def hinge(distances, margin):
    return np.array([max(0.0, float(ap) - float(an) + margin) for ap, an in distances])


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.2, 1.0])
def test_one_value_a_triplet(margin):
    found = np.asarray(TripletHinge(margin).call(np.zeros(6, np.int32), DISTANCES))
    assert found.shape == (6,)
    np.testing.assert_allclose(found, hinge(DISTANCES, margin), atol=1e-6)


def test_the_papers_margin_is_the_default():
    assert TripletHinge().margin == 0.1
    assert float(TripletHinge()(np.zeros(1), np.zeros((1, 2), np.float32))) == pytest.approx(0.1)


def test_the_condition_does_not_change_the_loss():
    values = {float(TripletHinge()(np.full(6, condition), DISTANCES)) for condition in range(4)}
    assert len(values) == 1


def distance_model():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=TripletHinge(0.1), weighted_metrics=[])
    return model


@pytest.mark.parametrize("count", [6, 2, 1])
def test_sample_weights_scale_each_triplet(count):
    weights = np.array([1.0, 0.5, 0.5, 0.0, 2.0, 0.25], np.float32)[:count]
    found = distance_model().evaluate(
        DISTANCES[:count], np.arange(count), sample_weight=weights, batch_size=count, verbose=0
    )
    found = found[0] if isinstance(found, list) else found
    assert found == pytest.approx(float(np.mean(weights * hinge(DISTANCES[:count], 0.1))), abs=1e-6)


def test_config_round_trip():
    again = TripletHinge.from_config(TripletHinge(0.25, name="other").get_config())
    assert (again.margin, again.name) == (0.25, "other")
