"""`config.objective` -> `Objective`."""

import functools

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.signal import Signal
from dmml_tf.spaces import NORM_ORDERS
from dmml_tf.training.config import from_fields, named_group
from dmml_tf.training.objectives.classes import tag_objective
from dmml_tf.training.objectives.mining import mining_objective
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.taught import taught_objective
from dmml_tf.training.objectives.triplets import MASKS, triplet_objective
from dmml_tf.training.objectives.zero_shot import zero_shot_objective
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

TRIPLETS = ("triplets", "mining", "taught")  # objectives that need a negative for an anchor
OBJECTIVES = ("triplets", "mining", "proxy", "classification", "zero_shot", "taught")


def build_objective(
    config: ml_collections.ConfigDict, dataset: Dataset, conditions: Conditions, embedding: keras.Model
) -> Objective:
    """The objective that `config.objective` names, not yet compiled; the other fields of that group are its arguments.

    Raises:
        UserError: on an unknown objective, mask or norm order, a field that the objective does not read, on one of
            these that another cannot go with, and as the objectives' models do.
    """
    name, fields = named_group(config.objective, "config.objective")
    _check_names(config, name)
    given = (config, conditions, embedding, Signal.from_config(config.network, dataset.features))
    build = {
        "triplets": functools.partial(triplet_objective, *given),
        "mining": functools.partial(mining_objective, *given),
        "taught": functools.partial(taught_objective, *given, dataset),
        "proxy": functools.partial(tag_objective, *given, dataset),
        "classification": functools.partial(tag_objective, *given, dataset),
        "zero_shot": functools.partial(zero_shot_objective, *given, dataset),
    }[name]
    return from_fields(build, "config.objective", fields)


def _check_names(config: ml_collections.ConfigDict, objective: str) -> None:
    fields = {"objective.name": (objective, OBJECTIVES), "mask": (config.mask, MASKS)}
    fields["norm_order"] = (config.norm_order, NORM_ORDERS)
    for field, (value, known) in fields.items():
        if value not in known:
            raise UserError(f"unknown config.{field} '{value}'; known are: {', '.join(known)}")
    if config.mask == "learned" and objective not in TRIPLETS:
        raise UserError(
            f"config.mask 'learned' is learned from triplets, objective '{objective}' has none; use fixed or none"
        )
    if config.batch.explicit and objective != "triplets":
        raise UserError(f"config.batch.explicit is a form of objective 'triplets', not of '{objective}'; leave it out")
    if "zero_shot" in config and objective != "zero_shot":
        raise UserError(f"config.zero_shot is read by objective 'zero_shot', not by '{objective}'; leave it out")
