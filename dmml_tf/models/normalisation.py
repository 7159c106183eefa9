"""Batch normalisation of a map as one operation, on both generations of Keras."""

import tensorflow as tf
from tensorflow import keras

# Keras's 0.99 needs several hundred steps to follow; validation starts after a few dozen.
MOMENTUM = 0.9


@keras.utils.register_keras_serializable(package="dmml")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of Keras 3, whose training step on a map is TensorFlow's fused operation.

    Same arguments, weights and numbers (but for roundings) as Keras's layer, which writes mean, variance, quotient and
    their gradients out in dozens of operations. It is Keras's own code that serves inference, frozen layers, masks,
    `synchronized` and inputs other than [B, H, W, C].
    """

    def call(self, inputs, training=None, mask=None):
        plain = mask is not None or self.synchronized or getattr(self, "renorm", False)
        last = self.axis in (-1, len(inputs.shape) - 1)
        if plain or not (training and self.trainable and last and len(inputs.shape) == 4):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        gamma = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels)
        beta = tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
        # TensorFlow gives the estimate for the population, N / (N - 1) of the variance that Keras 3 follows.
        count = tf.cast(tf.size(inputs) // channels, variance.dtype)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (count - 1) / count)
        return outputs

    def _follow(self, moving, moment):
        moving.assign(moving * self.momentum + moment * (1.0 - self.momentum))


def normalised_map(x):
    """Batch normalisation of a map [B, H, W, C] over all but its channels; Keras 2's layer is fused already."""
    kind = BatchNormalization if hasattr(keras, "distribution") else keras.layers.BatchNormalization
    return kind(momentum=MOMENTUM)(x)
