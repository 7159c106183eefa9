"""The mining graph against NumPy spaces, and plain `compile` and `fit` on it."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.relations import relations
from dmml_tf.spaces import NORM_ORDERS, project
from dmml_tf.training.losses import MinedHinge
from dmml_tf.training.metrics import mining_metrics
from dmml_tf.training.objectives.mining import PairDistances, build_mining_model

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=2),
        Within("tempo", 5.0, width=3),
        SameTrack("track", width=0, weight=0.5),
    ]
)
RNG = np.random.default_rng(0)


def embedding():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(5)(inputs))


@pytest.mark.parametrize("norm_order", NORM_ORDERS)
@pytest.mark.parametrize("mask", ["fixed", "none"])
def test_distances_agree_with_numpy(mask, norm_order):
    network, windows = embedding(), RNG.normal(size=(6, 4)).astype(np.float32)
    found = np.asarray(build_mining_model(network, CONDITIONS, mask, norm_order)({"windows": windows}))
    masks = CONDITIONS.masks(5) if mask == "fixed" else np.ones((3, 5))
    for row, condition in zip(found, masks):
        x = project(np.asarray(network(windows)).astype(np.float64), condition, norm_order)
        np.testing.assert_allclose(row, np.linalg.norm(x[:, None] - x[None], axis=-1), atol=2e-5)


def test_equal_rows_have_distance_zero_and_finite_gradients():
    x = tf.Variable(np.ones((1, 3, 4), np.float32))
    with tf.GradientTape() as tape:
        found = PairDistances()(x)
    assert (found.numpy() == 0).all() and (tf.convert_to_tensor(tape.gradient(found, x)).numpy() == 0).all()


def test_one_row():
    assert PairDistances()(np.ones((2, 1, 3), np.float32)).numpy().tolist() == [[[0.0]], [[0.0]]]


@pytest.mark.trains
def test_fit_needs_nothing_but_compile_and_batches_may_differ_in_size():
    keras.utils.set_random_seed(0)
    model = build_mining_model(embedding(), CONDITIONS)
    model.compile(
        keras.optimizers.Adam(0.03),
        MinedHinge("semi_hard", 0.2),
        metrics=mining_metrics(CONDITIONS, 0.2),
        weighted_metrics=[],
        jit_compile=False,
    )
    weights = np.array([condition.weight for condition in CONDITIONS], np.float32)

    def batches():
        for tracks in [8, 6] * 10:
            items = np.repeat(np.arange(tracks, dtype=np.int32), 2)
            labels = {
                "genre": (items % 2)[:, None],
                "tempo": 80.0 + 10 * (items // 2 % 2).astype(np.float32),
                "track": items,
                "start": np.tile([0, 65], tracks),
            }
            noise = RNG.normal(0, 0.1, (2 * tracks, 2))
            windows = np.column_stack([items % 2, items // 2 % 2, noise]).astype(np.float32)
            yield {"windows": windows}, relations(CONDITIONS, labels), weights

    signature = ({"windows": tf.TensorSpec((None, 4))}, tf.TensorSpec((3, None, None), tf.int8), tf.TensorSpec((3,)))
    stream = tf.data.Dataset.from_generator(batches, output_signature=signature)
    history = model.fit(stream, epochs=2, validation_data=stream, verbose=0).history
    assert set(history) >= {"loss", "active", "d_ap", "d_an", "accuracy_genre", "val_accuracy_track"}
    assert history["val_loss"][-1] < history["loss"][0]
    assert history["val_accuracy_genre"][-1] > 0.9 and history["val_accuracy_tempo"][-1] > 0.9
