"""Triplets drawn at random, as in the paper: the graph windows and triplets -> two distances a triplet, and its loss.

Source: Lee et al., ICASSP 2020, figure 1. Plain functional Keras; each window is embedded once, however many triplets
it takes part in.
"""

import dataclasses

import ml_collections
import numpy as np
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import triplet_form
from dmml_tf.data.signal import Signal
from dmml_tf.models.masks import ConditionMask, GatherTriplets, LearnedMask, LengthPenalty, TripletDistances, UnitLength
from dmml_tf.spaces import NORM_ORDERS
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.metrics import triplet_metrics
from dmml_tf.training.objectives.objective import Objective
from tfrecords_tools.errors import UserError

MASKS = ("fixed", "learned", "none")


def build_triplet_model(
    embedding: keras.Model, conditions: Conditions, mask: str = "fixed", norm_order: str = "mask_then_norm"
) -> keras.Model:
    """Functional model over the batch contract.

    >>> conditions = dmml.Conditions([dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)])
    >>> network = dmml.embedding_network(block="conv", width=(4, 1, 1, 1, 2, 4, 8), size=128)
    >>> model = dmml.triplet_network(network, conditions)
    >>> metrics = dmml.triplet_metrics(conditions, margin=0.1)
    >>> model.compile("adam", dmml.TripletHinge(0.1), metrics=metrics, weighted_metrics=[], jit_compile=False)
    >>> plan, data = dmml.BatchPlan(tracks=4, triplets=8, pool=8), dmml.Dataset.load("data/mine")
    >>> history = model.fit(dmml.triplet_dataset(data, "train", conditions, plan, steps=1, seed=0), verbose=0)

    Args:
        embedding: network from a window to [batch, E].
        conditions: names the sub-spaces; their widths must add up to E (or all be 0).
        mask: `fixed` (disjoint slices), `none` (the paper's "category" model: every condition sees
            the whole embedding) or `learned` (conditional similarity networks; `norm_then_mask` gives
            the masks' size a meaning there, since a vector that is scaled after the mask undoes it).
        norm_order: `mask_then_norm` (the sequel's figure) or `norm_then_mask`.

    Returns:
        Inputs `windows` float32 [B, 129, 128], `triplets` int32 [T, 3] (rows of `windows`: anchor,
        positive, negative), `condition` int32 [T]; output float32 [T, 2]: d(a, p) and d(a, n).

    Raises:
        UserError: on an unknown mask or norm order, widths that do not add up, or learned masks where
            no condition owns a slice.
    """
    # --- inputs
    windows = keras.Input(embedding.input_shape[1:], name="windows")
    triplets = keras.Input((3,), dtype="int32", name="triplets")
    condition = keras.Input((), dtype="int32", name="condition")

    # --- layers
    x = GatherTriplets(name="gather")([embedding(windows), triplets])
    x = seen_under(x, condition, conditions, embedding.output_shape[-1], mask, norm_order)
    distances = TripletDistances(name="distances")(x)

    # --- functional model
    inputs = {"windows": windows, "triplets": triplets, "condition": condition}
    return keras.Model(inputs, distances, name="triplet_network")


def seen_under(x, condition, conditions: Conditions, size: int, mask: str, norm_order: str):
    """Embeddings [T, N, size] as each T's condition, int32 [T], sees them; arguments as `build_triplet_model`."""
    for value, known in ((mask, MASKS), (norm_order, NORM_ORDERS)):
        if value not in known:
            raise UserError(f"unknown mask or norm order '{value}'; known are: {', '.join(known)}")
    masks = conditions.masks(size)
    if mask == "learned":
        if not conditions.size:
            raise UserError("learned masks begin at the conditions' own slices: give at least one a width")
        x, masking = LengthPenalty(name="length_penalty")(x), LearnedMask(masks, name="mask")
    else:
        masking = ConditionMask(masks if mask == "fixed" else np.ones_like(masks), name="mask")
    if norm_order == "mask_then_norm":
        return UnitLength(name="unit_length")(masking([x, condition]))
    return masking([UnitLength(name="unit_length")(x), condition])


def triplet_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal, *, margin: float
) -> Objective:
    """The paper's: `config.batch.triplets` triplets a batch under `config.mask`, and the hinge at `margin`."""
    return Objective(
        build_triplet_model(embedding, conditions, config.mask, config.norm_order),
        triplet_form(conditions, config.batch.triplets, signal, config.batch.explicit),
        TripletHinge(margin),
        triplet_metrics(conditions, margin),
        learned_conditions(config, conditions),
    )


def learned_conditions(config: ml_collections.ConfigDict, conditions: Conditions) -> Conditions:
    """What the slices stand for after training: nothing by themselves where it was done without masks."""
    if config.mask != "none":
        return conditions
    return Conditions([dataclasses.replace(condition, width=0) for condition in conditions])
