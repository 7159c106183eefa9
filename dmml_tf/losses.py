"""The paper's triplet hinge on distances that the graph has already computed."""

import tensorflow as tf
from tensorflow import keras


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
