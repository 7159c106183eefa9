"""Forms of a batch: what the labelled windows of `dmml_tf.data.windows.Windows` become for one kind of model."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.data.relations import relations
from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.data.triplets import draw_batch
from dmml_tf.data.windows import Windows

OF_TRIPLETS = ("triplets", "condition", "window", "tags")  # inputs that have a row for each triplet or pair
FILLING = -1  # target of a triplet that is in the batch for its shape alone


@dataclasses.dataclass(frozen=True)
class Form:
    """One form of a batch.

    Attributes:
        signal: what a window is made of.
        tensors: `tf.TensorSpec`s of a batch, in its structure.
        make: windows and a source of choices -> the batch, or None where there is nothing to learn from; its "windows"
            are a `dmml_tf.data.windows.Sound`, which is yet to be played.
        unit, needs: what it counts and what that takes, for the message when data give none.
    """

    signal: Signal
    tensors: tuple[Any, ...]
    make: Callable[[Windows, np.random.Generator], tuple[Any, ...] | None]
    unit: str = "triplet"
    needs: str = "each needs two similar labelled tracks and one that is not"


def triplet_form(conditions: Conditions, count: int, signal: Signal = LOG_MEL, explicit: bool = False) -> Form:
    """`count` triplets a batch, drawn at random: `({"windows", "triplets", "condition"}, condition, weights)`.

    Args:
        explicit: the paper's own form, see `explicit_form`.
    """
    weights = np.array([condition.weight for condition in conditions], np.float32)

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        triplets, condition = draw_batch(conditions, windows.labels, count, rng, signal.features)
        inputs = {"windows": windows.sound, "triplets": triplets, "condition": condition}
        inputs = explicit_form(inputs) if explicit else inputs
        return (inputs, condition, weights[condition]) if len(triplets) else None

    inputs = {
        "windows": tf.TensorSpec((None, *signal.shape), tf.float32),
        "triplets": tf.TensorSpec((None, 3), tf.int32),
        "condition": tf.TensorSpec((None,), tf.int32),
    }
    return Form(signal, (inputs, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32)), make)


def explicit_form(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The paper's own form of a batch, in which each triplet carries its three windows: B = 3 T.

    Same loss, more work; the reference to test the shared-window form against, and to time it.
    """
    flat = np.asarray(inputs["triplets"]).reshape(-1)
    windows = tf.nest.map_structure(lambda part: np.asarray(part)[flat], inputs["windows"])
    triplets = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
    return {**inputs, "windows": windows, "triplets": triplets}


def filled_form(form: Form, count: int) -> Form:
    """The same form of triplets or pairs, `count` in every batch: replicas in step take batches of one shape.

    Where fewer were drawn, some are repeated with weight 0 and the target `FILLING`, which losses and metrics leave
    out.
    """

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        batch = form.make(windows, rng)
        if batch is None:
            return None
        inputs, condition, weights = batch
        place = np.arange(count)
        drawn, place = place < len(condition), place % len(condition)
        inputs = {name: value[place] if name in OF_TRIPLETS else value for name, value in inputs.items()}
        target = np.where(drawn, condition[place], np.int32(FILLING))
        return inputs, target, np.where(drawn, weights[place], np.float32(0))

    return dataclasses.replace(form, make=make)


def mined_form(conditions: Conditions, signal: Signal = LOG_MEL) -> Form:
    """All of a batch's relations, for a miner to choose from: `({"windows"}, relations [C, B, B], weights [C])`."""
    weights = np.array([condition.weight for condition in conditions], np.float32)

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        del rng
        related = relations(conditions, windows.labels, signal.features)
        able = (related > 0).any(axis=2) & (related < 0).any(axis=2)
        return ({"windows": windows.sound}, related, weights) if able.any() else None

    count = len(conditions)
    tensors = (
        {"windows": tf.TensorSpec((None, *signal.shape), tf.float32)},
        tf.TensorSpec((count, None, None), tf.int8),
        tf.TensorSpec((count,), tf.float32),
    )
    return Form(signal, tensors, make)


def tag_form(conditions: Conditions, tags: Mapping[str, int], signal: Signal = LOG_MEL) -> Form:
    """Windows with their tags under each condition: `({"windows"}, {condition: float32 [B, tags]})`.

    Args:
        tags: number of tags by column name.
    """

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        del rng
        targets = {c.name: tag_targets(windows.labels[c.column], tags[c.column]) for c in conditions}
        return ({"windows": windows.sound}, targets) if any((t >= 0).any() for t in targets.values()) else None

    tensors = (
        {"windows": tf.TensorSpec((None, *signal.shape), tf.float32)},
        {c.name: tf.TensorSpec((None, tags[c.column]), tf.float32) for c in conditions},
    )
    return Form(signal, tensors, make, "tag", "each needs tagged tracks")


def tag_targets(ids: Array, count: int) -> Array:
    """Ids int [B, M], padded with -1 -> float32 [B, count] of 0 and 1; a row without a tag is -1 throughout.

    "Untagged" is not "has none of the tags": such a row takes no part in the loss.
    """
    targets = np.zeros((len(ids), count + 1), np.float32)
    np.put_along_axis(targets, np.asarray(ids, np.int64), 1.0, axis=1)  # -1 falls into the last, spare column
    targets[(ids < 0).all(axis=1)] = -1.0
    return targets[:, :count]
