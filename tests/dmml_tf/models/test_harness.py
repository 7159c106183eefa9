"""One harness over every block, frontend, mask and head: shape, configuration, saving, finite gradients."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.models.blocks import BLOCKS, block_by_name
from dmml_tf.models.frontends import MAPS
from dmml_tf.models.sample_cnn import sample_cnn_vector
from dmml_tf.spaces import NORM_ORDERS
from dmml_tf.training.objectives.classes import HEADS, build_tag_model
from dmml_tf.training.objectives.mining import build_mining_model
from dmml_tf.training.objectives.triplets import MASKS, build_triplet_model
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow


CHAIN = LogMel(n_mels=6, window_frames=43, sample_rate=7_350)  # 3 s of it are 22,050 samples
CONDITIONS = Conditions(
    [
        SharedTag("genre", width=2),
        SharedTag("mood", width=5),
        SameTrack("track", width=0),
    ]
)
TAGGED = Conditions([SharedTag("genre", width=2), SharedTag("mood", width=5)])
RNG = np.random.default_rng(0)


def block(name):
    inputs = keras.Input((6, 5, 3))
    return keras.Model(inputs, block_by_name(name)(inputs, 2)), RNG.normal(size=(4, 6, 5, 3)), (4, 3, 3, 8)


def frontend(name):
    shape = (43, 6) if name == "log_mel" else (22_050,)
    channels = (3,) if name == "multi_input" else ()
    return keras.Model(*MAPS[name](CHAIN)), RNG.normal(0, 0.1, (2, *shape)) ** 2, (2, 43, 6, *channels)


def waveform():
    inputs = keras.Input((66_150,))
    return keras.Model(inputs, sample_cnn_vector(inputs, 1)), RNG.normal(0, 0.1, (2, 66_150)), (2, 8)


def embedding():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(7)(inputs))


def triplets(mask, norm_order):
    inputs = {
        "windows": RNG.normal(size=(5, 4)),
        "triplets": RNG.integers(5, size=(9, 3)).astype(np.int32),
        "condition": np.arange(9, dtype=np.int32) % 3,
    }
    return build_triplet_model(embedding(), CONDITIONS, mask, norm_order), inputs, (9, 2)


def pairs(mask, norm_order):
    model = build_mining_model(embedding(), CONDITIONS, mask, norm_order)
    return model, {"windows": RNG.normal(size=(5, 4))}, (3, 5, 5)


def head(name):
    model = build_tag_model(embedding(), TAGGED, {"genre": 3, "mood": 2}, name)
    return model, {"windows": RNG.normal(size=(5, 4))}, {"genre": (5, 3), "mood": (5, 2)}


CASES = {
    **{f"block {name}": (block, name) for name in BLOCKS},
    **{f"frontend {name}": (frontend, name) for name in MAPS},
    "frontend sample_cnn": (waveform,),
    **{
        f"{make.__name__} {mask} {order}": (make, mask, order)
        for make in (triplets, pairs)
        for mask in MASKS
        for order in NORM_ORDERS
    },
    **{f"head {name}": (head, name) for name in HEADS},
}


@pytest.mark.parametrize("make, arguments", [(case[0], case[1:]) for case in CASES.values()], ids=CASES)
def test_shape_saving_configuration_and_gradients(make, arguments, tmp_path):
    model, inputs, shape = make(*arguments)
    inputs = tf.nest.map_structure(lambda x: tf.constant(x.astype(np.float32) if x.dtype == np.float64 else x), inputs)
    with tf.GradientTape() as tape:
        found = model(inputs, training=True)
        total = tf.add_n([tf.reduce_sum(x**2) for x in tf.nest.flatten(found)] + list(model.losses))
    gradients = tape.gradient(total, model.trainable_weights)
    # Sub-spaces: a mask's row may see no triplet, but every weight has a gradient and no gradient is NaN.
    assert all(g is not None and np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients)
    assert not gradients or any(np.any(tf.convert_to_tensor(g)) for g in gradients)
    before = model(inputs)
    assert tf.nest.map_structure(lambda x: tuple(x.shape), before) == shape
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")  # every layer of ours is registered
    tf.nest.map_structure(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), again(inputs), before)
    assert again.count_params() == model.count_params()
    for first, second in zip(model.layers, again.layers):
        assert first.name == second.name and type(first) is type(second)
