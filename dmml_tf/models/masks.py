"""Layers between embedding and loss: gather, mask (fixed or learned), unit length, distances.

Each takes its inputs as one list, the form that Keras 2.15 and Keras 3 both accept. NumPy oracles:
`dmml_tf.spaces`. Sources: Lee et al., ICASSP 2020, sections 2.1 and 2.2; learned masks: conditional similarity
networks (Veit et al., CVPR 2017, sections 3.2 and 3.3).
"""

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow import keras

# Below this length a vector counts as zero: ReLU networks can silence a whole sub-space, and the
# gradient of a length has no value there.
TINY = 1e-6
# Learned masks.
OWN, OTHERS = 1.0, 0.1  # where a mask begins: on its condition's own block, and elsewhere
MASK_L1, EMBEDDING_L2 = 5e-4, 5e-3


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
        # Split, not sliced: the gradient of a slice fills all of the input with zeros first, once for each slice.
        anchor, others = tf.split(inputs, [1, 2], axis=1)
        squared = tf.reduce_sum(tf.square(others - anchor), axis=-1)
        # The square root's gradient at 0 is infinite; anchor equal to positive must give 0 instead.
        return tf.where(squared > TINY**2, tf.sqrt(tf.maximum(squared, TINY**2)), 0.0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


@keras.utils.register_keras_serializable(package="dmml")
class LearnedMask(keras.layers.Layer):
    """[x [T, N, E], condition int32 [T]] -> [T, N, E]: x times the rectified mask of its condition.

    Adds `l1` times the masks' sum to the loss. A row of ones alone (a condition that sees the whole embedding,
    such as the track regularisation) stays as it is and is not trained.

    Args:
        masks: [C, E] of 0 and 1, see `Conditions.masks`: 1 on each condition's own block.
        l1: factor of the penalty.
    """

    def __init__(self, masks: npt.ArrayLike, l1: float = MASK_L1, **kwargs):
        super().__init__(**kwargs)
        self.masks = [[float(value) for value in row] for row in np.asarray(masks)]
        self.l1 = l1

    def build(self, input_shape):
        begin = np.where(np.array(self.masks) > 0, OWN, OTHERS)
        initial = keras.initializers.Constant(begin.tolist())
        self.kernel = self.add_weight(name="kernel", shape=begin.shape, initializer=initial)
        super().build(input_shape)

    def learned(self):
        """float32 [C, E], what each condition sees now; 0 or more."""
        whole = tf.reduce_all(tf.constant(self.masks) > 0, axis=1, keepdims=True)
        return tf.where(whole, 1.0, tf.nn.relu(tf.convert_to_tensor(self.kernel)))

    def call(self, inputs):
        x, condition = inputs
        learned = self.learned()
        narrow = tf.reduce_any(tf.constant(self.masks) <= 0, axis=1)
        self.add_loss(self.l1 * tf.reduce_sum(tf.boolean_mask(learned, narrow)))
        return x * tf.gather(learned, condition)[:, None, :]

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "masks": self.masks, "l1": self.l1}


def learned_masks(model: keras.Model) -> np.ndarray | None:
    """float32 [C, E] of a trained graph's mask layer, or None where its masks were not learned."""
    masks = [layer for layer in model.layers if isinstance(layer, LearnedMask)]
    return np.asarray(masks[0].learned()) if masks else None


@keras.utils.register_keras_serializable(package="dmml")
class LengthPenalty(keras.layers.Layer):
    """x [..., E] -> x; adds `l2` times the mean squared length of its vectors to the loss."""

    def __init__(self, l2: float = EMBEDDING_L2, **kwargs):
        super().__init__(**kwargs)
        self.l2 = l2

    def call(self, inputs):
        self.add_loss(self.l2 * tf.reduce_mean(tf.reduce_sum(tf.square(inputs), axis=-1)))
        return inputs

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
