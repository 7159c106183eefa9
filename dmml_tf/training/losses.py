"""Losses on what the graphs have already computed: triplets as given or mined, tags, and cosines of tags."""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.replicas import mean_over_replicas, replicas_in_step, sum_over_replicas
from dmml_tf.training.miners import miner_by_name


class TripletHinge(keras.losses.Loss):
    """max(0, d(a, p) - d(a, n) + margin), one value a triplet (Lee et al., ICASSP 2020, equation 1).

    `y_true` is the condition int [T], which the metrics read (below 0: a filling), `y_pred` float [T, 2] holds
    d(a, p) and d(a, n), Euclidean, not squared. A condition's weight comes as the sample weight.

    >>> hinge = dmml.TripletHinge(margin=0.1)
    >>> round(float(hinge(np.zeros(1), np.array([[0.5, 0.3]], np.float32))), 3)
    0.3

    Args:
        margin: the paper's 0.1.
    """

    def __init__(self, margin: float = 0.1, name: str = "triplet_hinge", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        return _share_of_all(tf.maximum(0.0, y_pred[:, 0] - y_pred[:, 1] + self.margin), y_true)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


class MinedHinge(keras.losses.Loss):
    """The same hinge on triplets that a miner finds in the batch, one value a condition: the mean over its triplets.

    `y_true` holds the relations [C, B, B] of `dmml_tf.data.relations`, `y_pred` the distances [C, B, B] of
    `dmml_tf.training.objectives.mining`. The sample weight [C] is each condition's own. A condition without a triplet
    in the batch counts as 0. With one condition of single labels, and where every anchor has a positive and a
    negative, `semi_hard` and `hard` are tensorflow-addons' `TripletSemiHardLoss` and `TripletHardLoss`.

    Args:
        mining: `random`, `semi_hard` or `hard`, see `dmml_tf.training.miners`.
        margin: the paper's 0.1.

    Raises:
        UserError: on another mining.
    """

    def __init__(self, mining: str = "random", margin: float = 0.1, name: str = "mined_hinge", **kwargs):
        super().__init__(name=name, **kwargs)
        self._mine = miner_by_name(mining)
        self.mining, self.margin = mining, margin

    def call(self, y_true, y_pred):
        similar, dissimilar = split_relations(y_true)
        negative, chosen = self._mine(tf.stop_gradient(y_pred), similar, dissimilar)
        hinge = tf.maximum(0.0, y_pred - tf.gather(y_pred, negative, batch_dims=2) + self.margin)
        count = tf.reduce_sum(tf.cast(chosen, tf.float32), axis=[1, 2])
        return mean_over_replicas(tf.reduce_sum(tf.where(chosen, hinge, 0.0), axis=[1, 2]), count)

    def get_config(self):
        return {**super().get_config(), "mining": self.mining, "margin": self.margin}


def split_relations(relations):
    """(similar, dissimilar), bool [C, B, B] each, from relations [C, B, B] of 1, -1 and 0 in any number type."""
    return relations > 0, relations < 0


class TagCrossentropy(keras.losses.Loss):
    """Binary cross-entropy over the tags of the rows that have any: their mean.

    `y_true` float [B, Z] as `dmml_tf.data.forms.tag_targets` gives it, `y_pred` logits [B, Z]. A batch without a
    tagged row counts 0.
    """

    def __init__(self, name: str = "tag_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        tagged = tf.reduce_all(y_true >= 0, axis=-1)
        wanted = tf.cast(tf.maximum(y_true, 0.0), y_pred.dtype)
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=y_pred)
        rows = tf.where(tagged, tf.reduce_mean(loss, axis=-1), 0.0)
        if replicas_in_step() > 1:
            mean = mean_over_replicas(tf.reduce_sum(rows), tf.reduce_sum(tf.cast(tagged, rows.dtype)))
            return tf.fill(tf.shape(rows), mean)
        # Keras divides by all rows.
        share = tf.reduce_mean(tf.cast(tagged, rows.dtype))
        return tf.math.divide_no_nan(rows, share)


class CosineHinge(keras.losses.Loss):
    """max(0, margin - cos(a, t+) + cos(a, t-)), one value a pair (Choi et al., ISMIR 2019, equation 1).

    `y_true` is the condition int [T], which the metrics read (below 0: a filling), `y_pred` float [T, 2] the cosines.

    Args:
        margin: the paper's 0.4.
    """

    def __init__(self, margin: float = 0.4, name: str = "cosine_hinge", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        return _share_of_all(tf.maximum(0.0, self.margin - y_pred[:, 0] + y_pred[:, 1]), y_true)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


def _share_of_all(losses, condition):
    """Losses [T] such that the mean of the replicas' means, which Keras takes, is the mean over all their triplets.

    A replica's batch is filled up to one shape, see `dmml_tf.data.forms.filled_form`: what fills it is not counted.
    """
    replicas = replicas_in_step()
    if replicas == 1:
        return losses
    (drawn,) = sum_over_replicas(tf.reduce_sum(tf.cast(condition >= 0, losses.dtype)))
    return losses * (tf.cast(replicas * tf.size(losses), losses.dtype) / drawn)
