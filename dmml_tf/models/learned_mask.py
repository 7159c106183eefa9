"""Learned masks: conditional similarity networks (Veit et al., CVPR 2017, sections 3.2 and 3.3)."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow import keras

OWN, OTHERS = 1.0, 0.1  # where a mask begins: on its condition's own block, and elsewhere
MASK_L1, EMBEDDING_L2 = 5e-4, 5e-3


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
    found = [layer for layer in model.layers if isinstance(layer, LearnedMask)]
    return np.asarray(found[0].learned()) if found else None


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
