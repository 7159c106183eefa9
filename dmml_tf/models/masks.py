"""Layers between embedding and loss: gather, mask, unit length, distances.

Each takes its inputs as one list, the form that Keras 2.15 and Keras 3 both accept. NumPy oracles:
`dmml_tf.spaces`. Source: Lee et al., ICASSP 2020, sections 2.1 and 2.2.
"""

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow import keras

# Below this length a vector counts as zero: ReLU networks can silence a whole sub-space, and the
# gradient of a length has no value there.
TINY = 1e-6


@keras.utils.register_keras_serializable(package="dmml")
class GatherTriplets(keras.layers.Layer):
    """[embeddings [B, E], triplets int32 [T, 3]] -> [T, 3, E]: anchor, positive, negative."""

    def call(self, inputs):
        embeddings, triplets = inputs
        return tf.gather(embeddings, triplets)

    def compute_output_shape(self, input_shape):
        embeddings, triplets = input_shape
        return (triplets[0], 3, embeddings[-1])


@keras.utils.register_keras_serializable(package="dmml")
class ConditionMask(keras.layers.Layer):
    """[x [T, 3, E], condition int32 [T]] -> [T, 3, E]: keeps the sub-space of each triplet's condition.

    Args:
        masks: [C, E] of 0 and 1, see `Conditions.masks`. Fixed: never trained.
    """

    def __init__(self, masks: npt.ArrayLike, **kwargs):
        super().__init__(**kwargs)
        self.masks = [[float(value) for value in row] for row in np.asarray(masks)]

    def call(self, inputs):
        x, condition = inputs
        rows = tf.gather(tf.constant(self.masks, x.dtype), condition)
        return x * rows[:, None, :]

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "masks": self.masks}


@keras.utils.register_keras_serializable(package="dmml")
class UnitLength(keras.layers.Layer):
    """x [..., E] -> the same at length 1 along the last axis; the zero vector stays zero, its gradient finite."""

    def call(self, inputs):
        squared = tf.reduce_sum(tf.square(inputs), axis=-1, keepdims=True)
        return inputs * tf.math.rsqrt(tf.maximum(squared, TINY**2))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


@keras.utils.register_keras_serializable(package="dmml")
class TripletDistances(keras.layers.Layer):
    """x [T, 3, E] -> [T, 2]: Euclidean (not squared) distance anchor-positive and anchor-negative."""

    def call(self, inputs):
        anchor = inputs[:, :1]
        squared = tf.reduce_sum(tf.square(inputs[:, 1:] - anchor), axis=-1)
        # The square root's gradient at 0 is infinite; anchor equal to positive must give 0 instead.
        return tf.where(squared > TINY**2, tf.sqrt(tf.maximum(squared, TINY**2)), 0.0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)
