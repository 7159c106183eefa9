"""Optimisers by name, and one clear line where tensorflow-addons is missing."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.optimizers import ADDONS, KERAS, build_optimizer
from dmml_tf.training import train
from tests.synthetic import tiny_config
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


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="unknown optimizer 'Magic'.*Adam.*LAMB"):
        build_optimizer("Magic", 0.1)


@pytest.mark.skipif(HAS_ADDONS, reason="tensorflow-addons is installed")
@pytest.mark.parametrize("name", ADDONS)
def test_without_addons_one_line_says_what_to_install(name):
    with pytest.raises(UserError, match=r"needs tensorflow-addons.*pip install 'dmml\[addons\]'"):
        build_optimizer(name, 0.1)


@pytest.mark.skipif(not HAS_ADDONS, reason="needs tensorflow-addons")
@pytest.mark.parametrize("name", ADDONS)
def test_addons_optimisers_train_and_resume(name, synthetic, tmp_path):
    assert one_step(build_optimizer(name, 0.25)) < 3.0
    config = tiny_config(4, 2)
    config.train.optimizer = name
    run = train(config, synthetic.folder, tmp_path / "run")
    assert np.isfinite(run.embedding().get_weights()[0]).all()
