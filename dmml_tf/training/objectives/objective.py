"""The one thing that training needs of every objective."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import Form
from dmml_tf.training.optimizers import build_ahead, build_optimizer


@dataclasses.dataclass(frozen=True)
class Objective:
    """How a network learns.

    Attributes:
        model: functional model around the embedding network, from a batch's inputs to what the loss reads.
        form: of the batches.
        loss: one, or one for each of the model's outputs by name.
        metrics: likewise.
        loss_weights: weight of each output's loss, by name; None with one output.
        conditions: what the finished network's slices stand for.
        save: writes into a finished run's folder what its use needs beyond the embedding; None where that is all.
    """

    model: keras.Model
    form: Form
    loss: keras.losses.Loss | Mapping[str, keras.losses.Loss]
    metrics: Sequence | Mapping[str, Sequence]
    conditions: Conditions
    loss_weights: Mapping[str, float] | None = None
    save: Callable[[Path], None] | None = None

    def compile(
        self, learning_rate: float, optimizer: str = "Adam", lookahead: bool = False, scale_loss: bool = False
    ) -> None:
        """Compiles the model with an optimiser by name, see `dmml_tf.training.optimizers.build_optimizer`.

        `jit_compile=False`: on a CPU, XLA makes the step three times slower, and Keras 3 would choose it.
        """
        self.model.compile(
            optimizer=build_optimizer(optimizer, learning_rate, lookahead, scale_loss),
            loss=self.loss,
            metrics=self.metrics,
            loss_weights=self.loss_weights,
            weighted_metrics=[] if self.loss_weights is None else None,
            jit_compile=False,
        )
        self._make_variables()

    def _make_variables(self) -> None:
        """Makes the optimizer's and the metrics' variables now: made in `fit`, they cost a second trace."""
        build_ahead(self.model.optimizer, self.model.trainable_variables)
        if tf.distribute.has_strategy():
            return  # a metric counts within a replica alone
        inputs, targets, *given = tf.nest.map_structure(
            lambda spec: tf.zeros([size or 1 for size in spec.shape], spec.dtype), self.form.tensors
        )
        weights = given[0] if given else None
        outputs = self.model(inputs, training=False)
        self.model.compute_loss(inputs, targets, outputs, weights)
        self.model.compute_metrics(inputs, targets, outputs, weights)
        self.model.reset_metrics()
