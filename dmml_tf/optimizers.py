"""Optimisers by name: Keras's, and with the extra [addons] those of tensorflow-addons."""

import importlib

from tensorflow import keras

from tfrecords_tools.errors import UserError

KERAS = ("Adam", "AdamW", "Nadam", "RMSprop", "SGD")
ADDONS = ("LAMB", "RectifiedAdam")


def build_optimizer(name: str, learning_rate: float) -> keras.optimizers.Optimizer:
    """An optimiser of the given class name; the paper trains with Adam.

    Args:
        name: one of `KERAS`, or of `ADDONS` where tensorflow-addons is installed.
        learning_rate: to begin with.

    Raises:
        UserError: on another name, or if tensorflow-addons is asked for and not there.
    """
    if name in KERAS:
        return getattr(keras.optimizers, name)(learning_rate)
    if name not in ADDONS:
        raise UserError(f"unknown optimizer '{name}'; known are: {', '.join(KERAS + ADDONS)}")
    try:
        addons = importlib.import_module("tensorflow_addons.optimizers")
    except ImportError as error:
        raise UserError(f"optimizer '{name}' needs tensorflow-addons, which runs on Python 3.11 with TensorFlow 2.15: "
                        "pip install 'dmml[addons]'") from error
    return getattr(addons, name)(learning_rate)
