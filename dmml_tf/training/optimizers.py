"""Optimisers by name: Keras's, and with the extra [addons] those of tensorflow-addons."""

import importlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.files import whole_file

KERAS = ("Adam", "AdamW", "Nadam", "RMSprop", "SGD")
ADDONS = ("LAMB", "RectifiedAdam")


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with one TensorFlow op a weight in place of fifteen: the same steps, state and checkpoints.

    Keras writes an update out in its smallest parts. A network of a hundred layers has some 170 weights, whose 2,500
    ops were half of what TensorFlow does before the first step; the steps themselves take as long either way. Sparse
    gradients are made dense, and `amsgrad` is not offered.

    Args:
        learning_rate: to begin with.
    """

    def __init__(self, learning_rate: float, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.jit_compile = False  # nothing is left for XLA to join
        self._powers = None

    def build(self, variables):
        super().build(variables)
        self._number = {self._var_key(variable): number for number, variable in enumerate(variables)}

    def apply_gradients(self, grads_and_vars, *args, **kwargs):
        step = tf.cast(self.iterations, tf.float32) + 1.0
        self._powers = tf.pow(self.beta_1, step), tf.pow(self.beta_2, step)  # once for all weights
        try:
            return super().apply_gradients(grads_and_vars, *args, **kwargs)
        finally:
            self._powers = None

    def update_step(self, gradient, variable, learning_rate=None):
        number = self._number[self._var_key(variable)]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[number].handle,
            v=self._velocities[number].handle,
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=tf.cast(self.learning_rate, variable.dtype) if learning_rate is None else learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


def build_optimizer(
    name: str, learning_rate: float, lookahead: bool = False, scale_loss: bool = False
) -> keras.optimizers.Optimizer:
    """An optimiser of the given class name; the paper trains with Adam.

    Args:
        name: one of `KERAS`, or of `ADDONS` where tensorflow-addons is installed.
        learning_rate: to begin with.
        lookahead: wraps it in tensorflow-addons' `Lookahead` (Zhang et al., NeurIPS 2019): every 6 steps the
            weights go half of the way back.
        scale_loss: multiplies the loss before its gradients are taken and divides them after, by a factor that is
            adapted, since 16 bits lose small ones.

    Under a `tf.distribute.Strategy`, and where the loss is scaled, Adam is Keras's own in place of `FusedAdam`.

    Raises:
        UserError: on another name, if tensorflow-addons is asked for and not there, or asked for under a strategy or
            with a scaled loss.
    """
    if name not in KERAS + ADDONS:
        raise UserError(f"unknown optimizer '{name}'; known are: {', '.join(KERAS + ADDONS)}")
    plain = not scale_loss and not tf.distribute.has_strategy()
    if not plain and (lookahead or name in ADDONS):
        raise UserError(
            f"optimizer '{'Lookahead' if lookahead else name}' of tensorflow-addons trains on one device and not in "
            "mixed_float16; choose another optimizer"
        )
    if scale_loss:
        return keras.mixed_precision.LossScaleOptimizer(getattr(keras.optimizers, name)(learning_rate))
    if lookahead:
        addons = _addons("Lookahead")
        # It wraps optimisers of the older kind alone.
        older = getattr(addons if name in ADDONS else keras.optimizers.legacy, name, None)
        if older is None:
            raise UserError(f"Lookahead cannot wrap '{name}'; choose another optimizer or leave lookahead out")
        return addons.Lookahead(older(learning_rate))
    if name == "Adam" and plain:
        return FusedAdam(learning_rate)
    return getattr(keras.optimizers if name in KERAS else _addons(name), name)(learning_rate)


def _addons(name: str):
    require_extra("addons", f"optimizer '{name}'", "tensorflow_addons", otherwise=", on Python 3.11")
    return importlib.import_module("tensorflow_addons.optimizers")


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The rate of the next step, on whatever devices the optimiser's variables are."""
    return float(tf.convert_to_tensor(optimizer.learning_rate))


def prepare_optimizer(optimizer: keras.optimizers.Optimizer, variables: Sequence) -> None:
    """Makes an optimiser's own variables, so that a checkpoint can be read into them.

    One of the older kind makes them in its first step alone: it takes one on zero gradients, so call this before
    weights and state are read.
    """
    if not _of_older_kind(optimizer):
        optimizer.build(variables)
    else:
        optimizer.apply_gradients([(tf.zeros_like(variable), variable) for variable in variables])


def build_ahead(optimizer: keras.optimizers.Optimizer, variables: Sequence) -> None:
    """Makes an optimiser's own variables where that takes no step: before a training, which else makes them itself."""
    if not _of_older_kind(optimizer):
        optimizer.build(variables)


def save_older_state(optimizer: keras.optimizers.Optimizer, path: Path) -> None:
    """Writes the state of an optimiser of the older kind, which Keras leaves out of a weights file; others: nothing."""
    if _of_older_kind(optimizer):
        with whole_file(path, durable=True) as temporary:
            np.savez(temporary, *optimizer.get_weights())


def load_older_state(optimizer: keras.optimizers.Optimizer, path: Path) -> None:
    """Inverse of `save_older_state`; the optimiser is prepared already."""
    if _of_older_kind(optimizer):
        with np.load(path) as arrays:
            optimizer.set_weights([arrays[f"arr_{number}"] for number in range(len(arrays.files))])


def _of_older_kind(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether it is one of Keras's legacy optimisers, as all of tensorflow-addons are."""
    return not hasattr(optimizer, "build")
