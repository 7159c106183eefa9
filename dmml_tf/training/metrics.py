"""What to watch while triplets train, as Keras metrics.

On given triplets: targets are the condition int [T], predictions the distances [T, 2]. On mined ones: targets are
the relations [C, B, B], predictions the distances [C, B, B], and every triplet of the batch counts, whatever
the miner takes, so that miners can be compared. Every metric counts triplets, not their loss weights.
"""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.training.losses import split_relations
from dmml_tf.training.miners import nearer_negatives


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
        active = tf.cast(y_pred[:, 0] - y_pred[:, 1] + self.margin > 0.0, tf.float32)
        return super().update_state(active, sample_weight=_drawn(y_true))

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


class MeanDistance(keras.metrics.Mean):
    """Mean distance of one column of [T, 2]: 0 = anchor-positive, 1 = anchor-negative; 0 to 2 at unit length."""

    def __init__(self, column: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.column = column

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_pred[:, self.column], sample_weight=_drawn(y_true))

    def get_config(self):
        return {**super().get_config(), "column": self.column}


def _drawn(condition):
    """float32 [T]: 1 of a triplet, 0 of what fills a batch up to its shape (`dmml_tf.data.forms.filled_form`)."""
    return tf.cast(tf.reshape(condition, [-1]) >= 0, tf.float32)


def triplet_metrics(conditions: Conditions, margin: float) -> list[keras.metrics.Metric]:
    """The metrics for `compile`: accuracy per condition, active share, mean d(a, p) and d(a, n).

    >>> [metric.name for metric in dmml.triplet_metrics(dmml.Conditions([dmml.SharedTag("genre")]), margin=0.1)]
    ['accuracy_genre', 'active', 'd_ap', 'd_an']
    """
    accuracies = [ConditionAccuracy(number, f"accuracy_{name}") for number, name in enumerate(conditions.names)]
    return [*accuracies, ActiveShare(margin), MeanDistance(0, "d_ap"), MeanDistance(1, "d_an")]


class MinedShare(keras.metrics.Mean):
    """Share of a batch's triplets, over all of them, that pass or fail one test.

    Args:
        condition: number of the one condition to look at; None for all.
        margin: None counts triplets with d(a, p) < d(a, n), the accuracy; a number above 0 those whose loss at
            this margin is above 0.
    """

    def __init__(self, name: str, condition: int | None = None, margin: float | None = None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.condition, self.margin = condition, margin

    def update_state(self, y_true, y_pred, sample_weight=None):
        if self.condition is not None:
            y_true, y_pred = (x[self.condition : self.condition + 1] for x in (y_true, y_pred))
        similar, dissimilar = (tf.cast(x, tf.float32) for x in split_relations(y_true))
        total = tf.reduce_sum(similar * tf.reduce_sum(dissimilar, axis=-1, keepdims=True))
        nearer = tf.cast(nearer_negatives(y_pred, dissimilar > 0, self.margin or 0.0), tf.float32)
        share = tf.reduce_sum(similar * nearer) / tf.maximum(total, 1.0)
        return super().update_state(1.0 - share if self.margin is None else share, sample_weight=total)

    def get_config(self):
        return {**super().get_config(), "condition": self.condition, "margin": self.margin}


class MeanPairDistance(keras.metrics.Mean):
    """Mean distance of the batch's similar pairs (`similar` True) or dissimilar ones; 0 to 2 at unit length."""

    def __init__(self, similar: bool, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        self.similar = similar

    def update_state(self, y_true, y_pred, sample_weight=None):
        similar, dissimilar = split_relations(y_true)
        return super().update_state(y_pred, sample_weight=tf.cast(similar if self.similar else dissimilar, tf.float32))

    def get_config(self):
        return {**super().get_config(), "similar": self.similar}


def mining_metrics(conditions: Conditions, margin: float) -> list[keras.metrics.Metric]:
    """As `triplet_metrics`, under the same names, for the mining graph."""
    accuracies = [MinedShare(f"accuracy_{name}", number) for number, name in enumerate(conditions.names)]
    distances = [MeanPairDistance(True, "d_ap"), MeanPairDistance(False, "d_an")]
    return [*accuracies, MinedShare("active", margin=margin), *distances]


class TagAccuracy(keras.metrics.Mean):
    """Share of the tagged rows whose highest logit is one of their tags.

    `y_true` float [B, Z] as `dmml_tf.data.forms.tag_targets` gives it, `y_pred` logits [B, Z].
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        best = tf.gather(y_true, tf.argmax(y_pred, axis=-1), batch_dims=1)
        tagged = tf.cast(tf.reduce_all(y_true >= 0, axis=-1), tf.float32)
        return super().update_state(tf.maximum(best, 0.0), sample_weight=tagged)


class CosineAccuracy(ConditionAccuracy):
    """Share of one condition's pairs with cos(a, t+) > cos(a, t-); chance is 0.5, a tie counts as wrong."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


class ActiveCosines(ActiveShare):
    """Share of pairs whose `dmml_tf.training.losses.CosineHinge` is above 0."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


class MeanCosineDistance(MeanDistance):
    """Mean of 1 - cosine of one column: 0 = positive, 1 = negative; 0 to 2."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


def zero_shot_metrics(conditions: Conditions, margin: float) -> list[keras.metrics.Metric]:
    """The metrics for `compile`, so that a collapse is noticed, under the names of `triplet_metrics`.

    Accuracy per condition, active share, mean of 1 - cos(a, t+) and of 1 - cos(a, t-).
    """
    accuracies = [CosineAccuracy(number, f"accuracy_{name}") for number, name in enumerate(conditions.names)]
    return [*accuracies, ActiveCosines(margin), MeanCosineDistance(0, "d_ap"), MeanCosineDistance(1, "d_an")]
