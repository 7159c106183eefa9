"""The paper's triplet hinge on distances that the graph has already computed: on given triplets, or on mined ones."""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.training.miners import miner_by_name


class TripletHinge(keras.losses.Loss):
    """max(0, d(a, p) - d(a, n) + margin), one value a triplet (Lee et al., ICASSP 2020, equation 1).

    `y_true` is the condition int [T] (unused here; the metrics read it), `y_pred` float [T, 2] holds
    d(a, p) and d(a, n), Euclidean, not squared. A condition's weight comes as the sample weight.

    Args:
        margin: the paper's 0.1.
    """

    def __init__(self, margin: float = 0.1, name: str = "triplet_hinge", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        del y_true
        return tf.maximum(0.0, y_pred[:, 0] - y_pred[:, 1] + self.margin)

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
        return tf.reduce_sum(tf.where(chosen, hinge, 0.0), axis=[1, 2]) / tf.maximum(count, 1.0)

    def get_config(self):
        return {**super().get_config(), "mining": self.mining, "margin": self.margin}


def split_relations(relations):
    """(similar, dissimilar), bool [C, B, B] each, from relations [C, B, B] of 1, -1 and 0 in any number type."""
    return relations > 0, relations < 0
