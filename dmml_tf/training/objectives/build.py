"""`config.objective` -> `Objective`."""

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.signal import Signal
from dmml_tf.spaces import NORM_ORDERS
from dmml_tf.training.objectives.classes import tag_objective
from dmml_tf.training.objectives.mining import mining_objective
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import MASKS, triplet_objective
from dmml_tf.training.objectives.zero_shot import zero_shot_objective
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

TRIPLETS = ("triplets", "mining")  # objectives that need a negative for an anchor
OBJECTIVES = (*TRIPLETS, "proxy", "classification", "zero_shot")


def build_objective(
    config: ml_collections.ConfigDict, dataset: Dataset, conditions: Conditions, embedding: keras.Model
) -> Objective:
    """The objective that `config.objective` names, not yet compiled.

    Raises:
        UserError: on an unknown objective, mask or norm order, on one of these that another cannot go with, and as the
            objectives' models do.
    """
    _check_names(config)
    signal = Signal.from_config(config.network, dataset.features)
    if config.objective == "triplets":
        return triplet_objective(config, conditions, embedding, signal)
    if config.objective == "mining":
        return mining_objective(config, conditions, embedding, signal)
    if config.objective in ("proxy", "classification"):
        return tag_objective(config, conditions, embedding, signal, dataset)
    return zero_shot_objective(config, conditions, embedding, signal, dataset)


def _check_names(config: ml_collections.ConfigDict) -> None:
    for field, known in (("objective", OBJECTIVES), ("mask", MASKS), ("norm_order", NORM_ORDERS)):
        if config[field] not in known:
            raise UserError(f"unknown config.{field} '{config[field]}'; known are: {', '.join(known)}")
    if config.mask == "learned" and config.objective not in TRIPLETS:
        raise UserError(
            f"config.mask 'learned' is learned from triplets, objective '{config.objective}' has none; use "
            "fixed or none"
        )
    if config.batch.explicit and config.objective != "triplets":
        raise UserError(
            f"config.batch.explicit is a form of objective 'triplets', not of '{config.objective}'; leave it out"
        )
