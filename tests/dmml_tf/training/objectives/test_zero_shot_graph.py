"""The two towers against NumPy; the hinge against the formula; and that `fit` needs no more."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.spaces import project
from dmml_tf.training.losses import CosineHinge
from dmml_tf.training.metrics import zero_shot_metrics
from dmml_tf.training.objectives.zero_shot import TOWER, build_zero_shot_model
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions([SharedTag("genre", width=3), SharedTag("mood", width=4)])
TOGETHER = Conditions([SharedTag("genre", width=0), SharedTag("mood", width=0)])


def embedding():
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(7)(inputs))


def batch(windows=5, pairs=12, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "windows": rng.normal(size=(windows, 6)).astype(np.float32),
        "window": rng.integers(windows, size=pairs).astype(np.int32),
        "condition": (np.arange(pairs) % 2).astype(np.int32),
        "tags": rng.normal(size=(pairs, 2, 8)).astype(np.float32),
    }


@pytest.mark.parametrize("conditions", [CONDITIONS, TOGETHER], ids=["disentangled", "one space"])
def test_cosines_agree_with_numpy(conditions):
    network, inputs = embedding(), batch()
    model = build_zero_shot_model(network, conditions, 8)
    found = np.asarray(model(inputs))
    kernel, bias = model.get_layer(TOWER).get_weights()
    assert kernel.shape == (8, 7) and found.shape == (12, 2)
    audio = np.asarray(network(inputs["windows"]))
    for row, window, condition, tags in zip(found, inputs["window"], inputs["condition"], inputs["tags"]):
        mask = conditions.masks(7)[condition]
        seen = project(np.stack([audio[window], *(tags @ kernel + bias)]).astype(np.float64), mask)
        np.testing.assert_allclose(row, seen[1:] @ seen[0], atol=1e-5)


def test_a_silent_sub_space_has_cosine_zero_and_finite_gradients():
    model = build_zero_shot_model(embedding(), CONDITIONS, 8)
    inputs = {**batch(), "windows": np.zeros((5, 6), np.float32), "tags": np.zeros((12, 2, 8), np.float32)}
    with tf.GradientTape() as tape:
        found = model(inputs)
        loss = tf.reduce_sum(CosineHinge()(tf.zeros(12), found))
    assert (found.numpy() == 0).all() and loss.numpy() == pytest.approx(0.4)
    assert all(np.isfinite(tf.convert_to_tensor(g)).all() for g in tape.gradient(loss, model.trainable_weights))


def test_the_hinge_is_the_formula():
    cosines = np.random.default_rng(1).uniform(-1, 1, (50, 2)).astype(np.float32)
    expected = np.array([max(0.0, 0.4 - positive + negative) for positive, negative in cosines])
    assert 0 < (expected == 0).sum() < 50
    np.testing.assert_allclose(CosineHinge(reduction="none")(np.zeros(50), cosines), expected, atol=1e-6)
    assert CosineHinge.from_config(CosineHinge(0.2).get_config()).margin == 0.2


def test_metrics_are_those_of_triplets_on_cosine_distances():
    cosines = np.array([[0.9, 0.1], [0.2, 0.3], [0.5, 0.5], [0.8, 0.7]], np.float32)
    condition, found = np.array([0, 0, 1, 1], np.int32), {}
    for metric in zero_shot_metrics(CONDITIONS, 0.4):
        metric.update_state(condition, tf.constant(cosines))
        found[metric.name] = float(metric.result())
    assert found == pytest.approx(
        {"accuracy_genre": 0.5, "accuracy_mood": 0.5, "active": 0.75, "d_ap": 0.4, "d_an": 0.6}, abs=1e-6
    )


def test_a_condition_without_tags_or_with_wrong_widths_is_refused():
    with pytest.raises(UserError, match="condition 'tempo' has none; leave it out of config.order"):
        build_zero_shot_model(embedding(), Conditions([Within("tempo", width=7)]), 8)
    with pytest.raises(UserError, match="add up to 3"):
        build_zero_shot_model(embedding(), Conditions(CONDITIONS[:1]), 8)


@pytest.mark.trains
def test_fit_learns_tags_and_finds_one_that_it_has_not_seen():
    """Windows are noisy copies of their tag's vector turned by a fixed matrix: a linear tower carries over."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    vectors, turn = rng.normal(size=(2, 24, 8)), rng.normal(size=(16, 6))

    def heard(genres, moods):
        return (np.concatenate([vectors[0, genres], vectors[1, moods]], axis=1) @ turn).astype(np.float32)

    inputs = keras.Input((6,))
    network = keras.Model(inputs, keras.layers.Dense(7)(keras.layers.Dense(32, activation="relu")(inputs)))
    model = build_zero_shot_model(network, CONDITIONS, 8)
    model.compile(
        keras.optimizers.Adam(0.02),
        CosineHinge(),
        metrics=zero_shot_metrics(CONDITIONS, 0.4),
        weighted_metrics=[],
        jit_compile=False,
    )

    def pairs(first, last):
        tags = rng.integers(first, last, (2, 64))
        condition = np.arange(64, dtype=np.int32) % 2
        mine = tags[condition, np.arange(64)]
        other = first + (mine - first + rng.integers(1, last - first, 64)) % (last - first)
        chosen = np.stack([vectors[condition, mine], vectors[condition, other]], axis=1).astype(np.float32)
        return {
            "windows": heard(*tags),
            "window": np.arange(64, dtype=np.int32),
            "condition": condition,
            "tags": chosen,
        }, condition

    for _ in range(60):
        logs = model.train_on_batch(*pairs(0, 18), return_dict=True)
    assert np.isfinite(logs["loss"])
    unseen, _ = pairs(18, 24)
    cosines = np.asarray(model(unseen))
    assert (cosines[:, 0] > cosines[:, 1]).mean() > 0.7
