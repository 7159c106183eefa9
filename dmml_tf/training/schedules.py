"""How the learning rate changes while a model trains."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.training.config import from_fields, named_group
from dmml_tf.training.optimizers import current_rate
from tfrecords_tools.errors import UserError


class PlateauThenStop(keras.callbacks.Callback):
    """The paper's schedule: divide the rate by 5 after 4 epochs without a lower validation loss, 5 times, then stop.

    Source: Lee et al., ICASSP 2020, section 3.2. It differs from Keras's `ReduceLROnPlateau` in that
    it ends training, and in that a resumed training goes on counting where it was.

    Args:
        patience: epochs without a lower `val_loss` before the rate drops.
        divide_by: what the rate is divided by.
        drops: how many times; the next plateau stops training.
    """

    def __init__(self, patience: int = 4, divide_by: float = 5.0, drops: int = 5):
        super().__init__()
        self.patience, self.divide_by, self.drops = patience, divide_by, drops
        self.state = {"best": None, "waited": 0, "dropped": 0}

    def on_epoch_end(self, epoch, logs=None):
        rate = current_rate(self.model.optimizer)
        logs["learning_rate"] = rate
        state = self.state
        if state["best"] is None or logs["val_loss"] < state["best"]:
            state.update(best=float(logs["val_loss"]), waited=0)
            return
        state["waited"] += 1
        if state["waited"] < self.patience:
            return
        if state["dropped"] == self.drops:
            self.model.stop_training = True
            return
        self.model.optimizer.learning_rate = rate / self.divide_by
        state.update(waited=0, dropped=state["dropped"] + 1)


class WarmThenCosine(keras.callbacks.Callback):
    """Raises the rate in a straight line over the first steps, then lets it fall along half a cosine to 0.

    For a training whose length is fixed beforehand: the rate has surely fallen when the steps are over,
    which no plateau promises. The values are those of Keras's `CosineDecay`, bit for bit; as a callback it also
    works with optimisers that take no schedule, and a resumed training has the rate of an uninterrupted one.

    Args:
        rate: the highest, reached after `warmup` steps.
        steps: training steps in all.
        warmup: steps of the rise.
    """

    def __init__(self, rate: float, steps: int, warmup: int = 0):
        super().__init__()
        self.state: dict = {}  # all of it follows from the epoch and the batch
        self._high = np.float32(rate)
        self._low = np.float32(rate / warmup) if warmup else self._high
        self._warmup, self._fall = warmup, max(steps - warmup, 1)

    def rate(self, step: int) -> np.float32:
        """The rate of one step, counted from 0.

        Not a call of `CosineDecay`: TensorFlow keeps each Python number that it has made a tensor of for as long as
        the process runs, and that schedule gives it a new one each step.
        """
        if step < self._warmup:
            return (self._high - self._low) * (np.float32(step) / np.float32(self._warmup)) + self._low
        done = np.float32(min(step - self._warmup, self._fall)) / np.float32(self._fall)
        # NumPy's cosine of a float32 has other last bits.
        cosine = np.float32(tf.cos(np.float32(np.pi) * done))
        return self._high * (np.float32(0.5) * (np.float32(1.0) + cosine))

    def on_epoch_begin(self, epoch, logs=None):
        self._first_step = epoch * self.params["steps"]

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.rate(self._first_step + batch)

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = current_rate(self.model.optimizer)


Schedule = PlateauThenStop | WarmThenCosine


def build_schedule(group: Mapping, learning_rate: float, steps: int) -> Schedule:
    """The learning-rate schedule that `config.train.schedule` names: `plateau` (the paper's) or `cosine`.

    Args:
        group: its name, and the arguments of `PlateauThenStop`, or the `warmup` of `WarmThenCosine`.
        learning_rate: to begin with, or the highest.
        steps: training steps in all.

    Raises:
        UserError: on another name, or a field that this schedule does not read.
    """
    where = "config.train.schedule"
    name, fields = named_group(group, where)
    if name == "plateau":
        return from_fields(PlateauThenStop, where, fields)
    if name == "cosine":
        return from_fields(WarmThenCosine, where, fields, rate=learning_rate, steps=steps)
    raise UserError(f"{where}.name '{name}' is unknown; known are: plateau, cosine")
