"""Optimisers by name, their state, and one clear line where tensorflow-addons is missing."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.training.optimizers import (
    ADDONS,
    KERAS,
    FusedAdam,
    build_optimizer,
    current_rate,
    load_older_state,
    prepare_optimizer,
    save_older_state,
)
from tfrecords_tools.errors import UserError

HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


def one_step(optimizer) -> float:
    variable = tf.Variable(3.0)
    optimizer.apply_gradients([(tf.constant(2.0), variable)])
    return float(variable.numpy())


@pytest.mark.parametrize("name", KERAS)
def test_keras_optimisers_step_downhill_at_the_rate_given(name):
    optimizer = build_optimizer(name, 0.25)
    assert isinstance(optimizer, getattr(keras.optimizers, name))
    assert float(np.asarray(optimizer.learning_rate)) == 0.25
    assert one_step(optimizer) < 3.0


@pytest.mark.parametrize("size", [(3, 5), (7,), ()])
def test_the_fused_adam_steps_as_keras_does(size):
    rng = np.random.default_rng(1)
    begin, gradients = rng.normal(size=size), rng.normal(0, 0.01, size=(50, *size))
    ours, theirs = (tf.Variable(begin, dtype=tf.float32) for _ in range(2))
    fused, plain = FusedAdam(0.01), keras.optimizers.Adam(0.01)
    for number, gradient in enumerate(gradients.astype(np.float32)):
        for optimizer, variable in ((fused, ours), (plain, theirs)):
            optimizer.learning_rate = 0.01 / (1 + number)  # as a schedule sets it
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-6)


def small_model(optimizer):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def test_a_checkpoint_of_keras_adam_is_read_by_the_fused_one(tmp_path):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(32, 4)).astype(np.float32), rng.normal(size=(32, 1)).astype(np.float32)
    plain, fused = small_model(keras.optimizers.Adam(0.01)), small_model(FusedAdam(0.01))
    plain.fit(x, y, epochs=3, verbose=0, shuffle=False)
    plain.save_weights(str(tmp_path / "state.weights.h5"))
    prepare_optimizer(fused.optimizer, fused.trainable_variables)
    fused.load_weights(str(tmp_path / "state.weights.h5"))
    for model in (plain, fused):
        model.fit(x, y, epochs=3, verbose=0, shuffle=False)
    for mine, other in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="unknown optimizer 'Magic'.*Adam.*LAMB"):
        build_optimizer("Magic", 0.1)


@pytest.mark.skipif(HAS_ADDONS, reason="tensorflow-addons is installed")
@pytest.mark.parametrize("name", ADDONS)
def test_without_addons_one_line_says_what_to_install(name):
    with pytest.raises(UserError, match=r"needs tensorflow_addons.*pip install 'dmml\[addons\]'"):
        build_optimizer(name, 0.1)


@pytest.mark.skipif(HAS_ADDONS, reason="tensorflow-addons is installed")
def test_lookahead_needs_addons():
    with pytest.raises(UserError, match=r"optimizer 'Lookahead' needs tensorflow_addons"):
        build_optimizer("Adam", 0.1, lookahead=True)


needs_addons = pytest.mark.skipif(not HAS_ADDONS, reason="needs tensorflow_addons")


@needs_addons
def test_lookahead_goes_half_of_the_way_back_every_sixth_step():
    optimizer, variable = build_optimizer("SGD", 0.5, lookahead=True), tf.Variable(10.0)
    places = []
    for _ in range(7):
        optimizer.apply_gradients([(tf.constant(2.0), variable)])
        places.append(float(variable.numpy()))
    assert places == [9.0, 8.0, 7.0, 6.0, 5.0, 7.0, 6.0]


@needs_addons
def test_lookahead_refuses_what_it_cannot_wrap():
    with pytest.raises(UserError, match="Lookahead cannot wrap 'AdamW'"):
        build_optimizer("AdamW", 0.1, lookahead=True)


def stepped(optimizer, variables, gradients):
    for step in gradients:
        optimizer.apply_gradients([(tf.constant(g), v) for g, v in zip(step, variables)])
    return [v.numpy() for v in variables]


@pytest.mark.parametrize(
    "name, lookahead",
    [
        ("Adam", False),
        *[
            pytest.param(*case, marks=needs_addons)
            for case in (
                ("LAMB", False),
                ("RectifiedAdam", False),
                ("Adam", True),
                ("SGD", True),
                ("RectifiedAdam", True),
            )
        ],
    ],
)
def test_state_is_saved_and_read(name, lookahead, tmp_path):
    rng = np.random.default_rng(0)
    begin, gradients = [rng.normal(size=(2, 3)), rng.normal(size=(4,))], rng.normal(size=(9, 2, 1))

    def fresh():
        return build_optimizer(name, 0.1, lookahead), [tf.Variable(x, dtype=tf.float32) for x in begin]

    gradients = [[np.broadcast_to(g, x.shape).astype(np.float32) for g, x in zip(step, begin)] for step in gradients]
    optimizer, variables = fresh()
    middle = stepped(optimizer, variables, gradients[:4])
    save_older_state(optimizer, tmp_path / "state.npz")
    expected = stepped(optimizer, variables, gradients[4:])
    older = name in ADDONS or lookahead
    assert [path.name for path in tmp_path.iterdir()] == (["state.npz"] if older else [])
    again, variables = fresh()
    prepare_optimizer(again, variables)
    for variable, value in zip(variables, middle):
        variable.assign(value)
    load_older_state(again, tmp_path / "state.npz")
    if older:  # Keras keeps the others' state in the weights file
        for mine, theirs in zip(stepped(again, variables, gradients[4:]), expected):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)
    else:
        assert len(again.variables) > 2


def test_a_scaled_loss_takes_kerass_own_adam_and_no_addon():
    optimizer = build_optimizer("Adam", 0.25, scale_loss=True)
    assert isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
    assert type(optimizer.inner_optimizer) is keras.optimizers.Adam and current_rate(optimizer) == 0.25
    for name, lookahead in (("LAMB", False), ("Adam", True)):
        with pytest.raises(UserError, match="of tensorflow-addons trains on one device and not in mixed_float16"):
            build_optimizer(name, 0.1, lookahead, scale_loss=True)
