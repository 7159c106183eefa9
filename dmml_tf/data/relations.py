"""Who is similar to whom within a batch, under every condition: what a miner chooses from."""

import numpy as np

from dmml_tf.conditions import Conditions, Labels
from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel

SIMILAR, DISSIMILAR = 1, -1


def relations(conditions: Conditions, labels: Labels, features: LogMel = PAPER_CHAIN) -> Array:
    """Relations of a batch's B windows: int8 [C, B, B], the target of `dmml_tf.training.losses.MinedHinge`.

    1 where row and column may serve as anchor and positive, -1 as anchor and negative, 0 where they are neither:
    one is not labelled, they are windows of one track, or overlap by more than half.

    Args:
        conditions: C rules.
        labels: columns of the windows (with `track` and `start`).
        features: the signal chain, whose frames `start` counts.

    Raises:
        UserError: on a condition whose triplets are given (`judged`): a miner would join the anchor of one judgement
            with the clip of another.
    """
    for condition in conditions:
        if condition.triplets_given:
            raise UserError(
                f"condition '{condition.name}': people have chosen its negatives, a miner cannot; train it "
                'with config.objective.name = "triplets"'
            )
    every = np.arange(len(labels["track"]))
    i, j = every[:, None], every[None]
    related = np.zeros((len(conditions), len(every), len(every)), np.int8)
    for square, condition in zip(related, conditions):
        square[condition.similar(labels, i, j, features.half_window)] = SIMILAR
        square[condition.dissimilar(labels, i, j)] = DISSIMILAR
    return related
