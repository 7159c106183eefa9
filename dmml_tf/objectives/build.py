"""`config.objective` -> `Objective`."""

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.signal import signal_of
from dmml_tf.objectives.objective import Objective
from dmml_tf.objectives.tags import tag_objective
from dmml_tf.objectives.triplets import mining_objective, triplet_objective
from dmml_tf.objectives.zero_shot import zero_shot_objective
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

OBJECTIVES = ("triplets", "mining", "proxy", "classification", "zero_shot")


def build_objective(
    config: ml_collections.ConfigDict, dataset: Dataset, conditions: Conditions, embedding: keras.Model
) -> Objective:
    """The objective that `config.objective` names, not yet compiled.

    Raises:
        UserError: on an unknown objective, and as the objectives' models do.
    """
    signal = signal_of(config.network)
    if config.objective == "triplets":
        return triplet_objective(config, conditions, embedding, signal)
    if config.objective == "mining":
        return mining_objective(config, conditions, embedding, signal)
    if config.objective in ("proxy", "classification"):
        return tag_objective(config, conditions, embedding, signal, dataset)
    if config.objective == "zero_shot":
        return zero_shot_objective(config, conditions, embedding, signal, dataset)
    raise UserError(f"unknown config.objective '{config.objective}'; known are: {', '.join(OBJECTIVES)}")
