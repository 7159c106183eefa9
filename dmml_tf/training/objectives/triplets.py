"""Triplets: drawn at random as in the paper, or found in the batch by a miner."""

import dataclasses

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import mined_form, triplet_form
from dmml_tf.data.signal import Signal
from dmml_tf.training.losses import MinedHinge, TripletHinge
from dmml_tf.training.metrics import mining_metrics, triplet_metrics
from dmml_tf.training.objectives.mining import build_mining_model
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplet_graph import build_triplet_model


def triplet_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal
) -> Objective:
    """The paper's: `config.batch.triplets` triplets a batch under `config.mask`, hinge of `config.train.margin`."""
    margin = config.train.margin
    return Objective(
        build_triplet_model(embedding, conditions, config.mask, config.norm_order),
        triplet_form(conditions, config.batch.triplets, signal, config.batch.explicit),
        TripletHinge(margin),
        triplet_metrics(conditions, margin),
        learned_conditions(config, conditions),
    )


def mining_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal
) -> Objective:
    """All triplets of a batch that the miner `config.train.mining` takes; `config.batch.triplets` is not read."""
    margin = config.train.margin
    return Objective(
        build_mining_model(embedding, conditions, config.mask, config.norm_order),
        mined_form(conditions, signal),
        MinedHinge(config.train.mining, margin),
        mining_metrics(conditions, margin),
        learned_conditions(config, conditions),
    )


def learned_conditions(config: ml_collections.ConfigDict, conditions: Conditions) -> Conditions:
    """What the slices stand for after training: nothing by themselves where it was done without masks."""
    if config.mask != "none":
        return conditions
    return Conditions([dataclasses.replace(condition, width=0) for condition in conditions])
