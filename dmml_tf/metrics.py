"""What to watch while triplets train, as Keras metrics on [T, 2] distances.

Targets are the condition int [T]; every metric counts triplets, not their loss weights.
"""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions


class ConditionAccuracy(keras.metrics.Mean):
    """Share of one condition's triplets with d(a, p) < d(a, n); chance is 0.5, a tie counts as wrong.

    Args:
        condition: the condition's number; the metric skips triplets of the others.
    """

    def __init__(self, condition: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.condition = condition

    def update_state(self, y_true, y_pred, sample_weight=None):
        mine = tf.cast(tf.equal(tf.cast(tf.reshape(y_true, [-1]), tf.int32), self.condition), tf.float32)
        return super().update_state(tf.cast(y_pred[:, 0] < y_pred[:, 1], tf.float32), sample_weight=mine)

    def get_config(self):
        return {**super().get_config(), "condition": self.condition}


class ActiveShare(keras.metrics.Mean):
    """Share of triplets whose loss is above 0: near 0 training has no more to learn from, near 1 it fails.

    Args:
        margin: as in the loss.
    """

    def __init__(self, margin: float = 0.1, name: str = "active", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(tf.cast(y_pred[:, 0] - y_pred[:, 1] + self.margin > 0.0, tf.float32))

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


class MeanDistance(keras.metrics.Mean):
    """Mean distance of one column of [T, 2]: 0 = anchor-positive, 1 = anchor-negative; 0 to 2 at unit length."""

    def __init__(self, column: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.column = column

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_pred[:, self.column])

    def get_config(self):
        return {**super().get_config(), "column": self.column}


def triplet_metrics(conditions: Conditions, margin: float) -> list[keras.metrics.Metric]:
    """The metrics for `compile`: accuracy per condition, active share, mean d(a, p) and d(a, n)."""
    accuracies = [ConditionAccuracy(number, f"accuracy_{name}") for number, name in enumerate(conditions.names)]
    return [*accuracies, ActiveShare(margin), MeanDistance(0, "d_ap"), MeanDistance(1, "d_an")]
