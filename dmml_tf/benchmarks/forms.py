"""What embedding each window once brings: triplets a second of a training step, shared windows against explicit."""

import dataclasses
import itertools
import time

import ml_collections
import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import explicit_form
from dmml_tf.data.pipeline import BatchPlan, form_batches
from dmml_tf.data.records import without_autotune
from dmml_tf.models.embedding import build_embedding
from dmml_tf.training.objectives.build import build_objective
from dmml_tf.training.objectives.objective import Objective
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.program import progress

ROUNDS = 2  # in which the forms take turns
BATCHES = 8  # that are prepared of each
_LOSS_TRIPLETS = 256  # on which both forms' losses are compared: three times as many windows


def measure_forms(config: ml_collections.ConfigDict, dataset: Dataset, conditions: Conditions, steps: int = 10) -> dict:
    """Times training steps of the configuration's network in both forms, at equally many windows a batch.

    Args:
        config: objective `triplets`.
        conditions: the configuration's, from `dmml_tf.training.train.conditions_from_config`.
        steps: of each form, at most `ROUNDS` times `BATCHES`, in turns: what else the machine does falls on both.

    Returns:
        "windows" a batch; for "shared" and "explicit" the "triplets" a step, the median "seconds" a step and
        "triplets_a_second"; their "ratio"; "loss" of both on the same triplets and "difference", from the network as
        it is used (batch normalisation of a training step sees other windows in the two forms).
    """
    plan = BatchPlan(**{**config.batch, "explicit": False})
    plans = {"shared": plan, "explicit": dataclasses.replace(plan, triplets=plan.embedded // 3, explicit=True)}
    embedding = build_embedding(**{**config.network, "size": conditions.size or config.embedding})
    forms = {name: _prepare(config, dataset, conditions, embedding, one) for name, one in plans.items()}
    losses = _losses(*forms["shared"])
    spent: dict[str, list[float]] = {name: [] for name in forms}
    for _ in progress(range(ROUNDS), ROUNDS, "rounds of both forms"):
        for name, (objective, batches) in forms.items():
            spent[name] += _step_seconds(objective, batches[: -(-steps // ROUNDS)])
    seconds = {name: float(np.median(times)) for name, times in spent.items()}
    triplets = {name: float(np.mean([len(batch[1]) for batch in batches])) for name, (_, batches) in forms.items()}
    rates = {name: triplets[name] / seconds[name] for name in forms}
    return {
        "windows": plan.embedded,
        "ratio": rates["shared"] / rates["explicit"],
        "loss": losses,
        "difference": abs(losses["shared"] - losses["explicit"]),
        **{
            name: {"triplets": triplets[name], "seconds": seconds[name], "triplets_a_second": rates[name]}
            for name in forms
        },
    }


def _prepare(config, dataset: Dataset, conditions: Conditions, embedding, plan: BatchPlan) -> tuple[Objective, list]:
    """The objective, compiled, and some batches of it."""
    config = config.copy_and_resolve_references()
    config.batch.update({"triplets": plan.triplets, "explicit": plan.explicit})
    objective = build_objective(config, dataset, conditions, embedding)
    objective.compile(config.train.learning_rate, config.train.optimizer)
    stream = form_batches(dataset, "train", conditions, plan, objective.form, config.seed)
    return objective, list(itertools.islice(stream, BATCHES))


class _Clock(keras.callbacks.Callback):
    """Seconds of each step but the first, which traces the graph."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if batch:
            self.seconds.append(time.perf_counter() - self._begun)


def _step_seconds(objective: Objective, batches: list) -> list[float]:
    """Times a step on each of the batches, which lie in memory."""
    clock = _Clock()
    batches = [batches[0], *batches]
    given = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=objective.form.tensors)
    objective.model.fit(without_autotune(given.prefetch(2)), callbacks=[clock], verbose=0)
    return clock.seconds


def _losses(objective: Objective, batches: list) -> dict[str, float]:
    inputs, targets, _ = batches[0]
    chosen = np.random.default_rng(0).permutation(len(targets))[:_LOSS_TRIPLETS]
    inputs = {**inputs, "triplets": inputs["triplets"][chosen], "condition": inputs["condition"][chosen]}
    forms = {"shared": inputs, "explicit": explicit_form(inputs)}
    assert isinstance(objective.loss, keras.losses.Loss)  # of triplets: one output, one loss
    found = {name: objective.model(form, training=False) for name, form in forms.items()}
    return {name: float(objective.loss(targets[chosen], distances)) for name, distances in found.items()}
