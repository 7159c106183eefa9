"""The sequel's two alternatives: tags learned directly, by proxies or by normalised classification."""

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import tag_form
from dmml_tf.data.signal import Signal
from dmml_tf.training.metrics import TagAccuracy
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.tag_graph import build_tag_model
from dmml_tf.training.objectives.tag_loss import TagCrossentropy
from dmml_tf.training.objectives.triplets import learned_conditions
from tfrecords_tools.dataset import Dataset


def tag_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal, dataset: Dataset
) -> Objective:
    """`config.objective` (`proxy` or `classification`) on the tags of every condition, each in its slice.

    With `config.mask` "none" every condition's tags are learned in the whole space (no disentanglement).
    """
    tags = {name: len(vocabulary) for name, vocabulary in dataset.schema.vocabularies.items()}
    conditions = learned_conditions(config, conditions)
    return Objective(
        build_tag_model(embedding, conditions, tags, config.objective),
        tag_form(conditions, tags, signal),
        {name: TagCrossentropy() for name in conditions.names},
        {name: [TagAccuracy()] for name in conditions.names},
        conditions,
        {condition.name: condition.weight for condition in conditions},
    )
