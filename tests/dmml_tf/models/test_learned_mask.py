"""Learned masks: where they begin, what they see, their penalties, which of them are trained."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.models.masks import LearnedMask, LengthPenalty
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.objectives.triplets import build_triplet_model
from tfrecords_tools.errors import UserError

MASKS = [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
X = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32)
CONDITION = np.array([0, 1, 2, 0], np.int32)


def test_masks_begin_at_one_on_the_own_block_and_a_tenth_elsewhere():
    layer = LearnedMask(MASKS)
    found = layer([X, CONDITION]).numpy()
    begin = np.array([[1, 1, 0.1], [0.1, 0.1, 1], [1, 1, 1]], np.float32)
    np.testing.assert_allclose(found, X * begin[CONDITION][:, None], atol=1e-6)
    np.testing.assert_allclose(layer.learned(), begin)


def test_masks_are_rectified_and_whole_rows_stay():
    layer = LearnedMask(MASKS)
    layer([X, CONDITION])
    layer.set_weights([np.array([[-1.0, 2, 0.5], [0, 0, -3], [7, -7, 0]])])
    np.testing.assert_allclose(layer.learned(), [[0, 2, 0.5], [0, 0, 0], [1, 1, 1]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer([X, CONDITION]))
    gradient = tf.convert_to_tensor(tape.gradient(total, layer.trainable_weights[0])).numpy()
    assert (gradient[2] == 0).all() and gradient[0, 0] == 0 and gradient[0, 1] != 0


def test_penalties_are_added_to_the_loss():
    mask, length = LearnedMask(MASKS, l1=0.5), LengthPenalty(l2=0.25)
    mask([X, CONDITION])
    np.testing.assert_array_equal(length(X), X)
    assert float(mask.losses[0]) == pytest.approx(0.5 * (2.1 + 1.2))  # not the row that stays
    assert float(length.losses[0]) == pytest.approx(0.25 * (X**2).sum(axis=-1).mean(), rel=1e-5)
    assert (LearnedMask(MASKS).l1, LengthPenalty().l2) == (5e-4, 5e-3)


@pytest.mark.trains
def test_fit_trains_masks_through_compile_alone():
    conditions = Conditions(
        [
            SharedTag("genre", width=2),
            SharedTag("mood", width=1),
            SameTrack("track", width=0),
        ]
    )
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model = build_triplet_model(network, conditions, "learned", "norm_then_mask")
    model.compile(keras.optimizers.SGD(0.1), TripletHinge(0.5), weighted_metrics=[], run_eagerly=True)
    rng = np.random.default_rng(0)
    batch = {
        "windows": rng.normal(size=(6, 4)).astype(np.float32),
        "triplets": rng.integers(6, size=(6, 3)),
        "condition": np.array([0, 1, 2, 0, 1, 2], np.int32),
    }
    before = model.get_layer("mask").learned().numpy()
    loss = model.train_on_batch(batch, batch["condition"], sample_weight=np.ones(6, np.float32))
    after = model.get_layer("mask").learned().numpy()
    assert np.isfinite(loss).all() and (after[:2] != before[:2]).all() and (after[2] == 1).all()
    assert len(model.losses) == 2 and all(float(value) > 0 for value in model.losses)


def test_learned_masks_need_a_slice_to_begin_at():
    inputs = keras.Input((4,))
    with pytest.raises(UserError, match="learned masks begin at the conditions' own slices"):
        build_triplet_model(keras.Model(inputs, inputs), Conditions([SharedTag("a", width=0)]), "learned")
