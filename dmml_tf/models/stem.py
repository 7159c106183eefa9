"""The stem: convolution 5x5, ReLU, 2x2 max-pool, at the one place where the map is still full size.

Source: Lee et al., ICASSP 2020, section 3.2.
"""

import tensorflow as tf
from tensorflow import keras

KERNEL = 5


@keras.utils.register_keras_serializable(package="dmml")
class Stem(keras.layers.Layer):
    """[batch, 129, 128] -> [batch, 64, 64, filters]: equals Conv2D(5x5, same, ReLU) and MaxPooling2D(2).

    A map of several inputs is [batch, 129, 128, channels].

    Computed on the map folded 2x2 into channels: a 3x3 convolution gives the four neighbours that the
    max-pool compares side by side, from one set of 5x5 weights. On a CPU a one-channel convolution at
    full size is half of a small network's training step; this form takes a third of its time.

    Args:
        filters: channels out.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        channels = 1 if len(input_shape) == 3 else input_shape[3]
        self.kernel = self.add_weight(
            name="kernel", shape=(KERNEL, KERNEL, channels, self.filters), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        inputs = inputs[..., None] if len(inputs.shape) == 3 else inputs
        height, width = (size // 2 for size in inputs.shape[1:3])
        # The pool drops an odd last row, but the convolution still sees it.
        seen = inputs[:, : 2 * height + 1, : 2 * width + 1]
        more = [(2, 2 * size + 2 - there) for size, there in zip((height, width), seen.shape[1:3])]
        folded = fold(tf.pad(seen, [(0, 0), *more, (0, 0)]))
        neighbours = tf.nn.conv2d(folded, self._folded_kernel(), 1, "VALID")
        neighbours = tf.reshape(neighbours, (-1, height, width, 4, self.filters))
        # ReLU and one bias a channel keep the order, so that they may follow the maximum.
        return tf.nn.relu(tf.reduce_max(neighbours, axis=3) + self.bias)

    def _folded_kernel(self):
        """[3, 3, 4 * channels, 4 * filters]: the 5x5 kernel at each of the four offsets of a 6x6 field, folded 2x2."""
        offsets = [(row, column) for row in (0, 1) for column in (0, 1)]
        placed = [tf.pad(self.kernel, [(r, 1 - r), (c, 1 - c), (0, 0), (0, 0)]) for r, c in offsets]
        channels = self.kernel.shape[2]
        folded = tf.reshape(tf.concat(placed, axis=3), (3, 2, 3, 2, channels, 4 * self.filters))
        return tf.reshape(tf.transpose(folded, (0, 2, 1, 3, 4, 5)), (3, 3, 4 * channels, 4 * self.filters))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // 2, input_shape[2] // 2, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def fold(x):
    """[B, H, W, C] -> [B, H / 2, W / 2, 4 C], H and W even: must agree with `tf.nn.space_to_depth(x, 2)`.

    That function works on one thread and takes ten times as long for a map of one channel (7 ms of the demo's
    step, on a CPU): this one moves two neighbours in a row at once.
    """
    height, width, channels = x.shape[1:]
    rows = tf.reshape(x, (-1, 2, width // 2, 2 * channels))
    return tf.reshape(tf.transpose(rows, (0, 2, 1, 3)), (-1, height // 2, width // 2, 4 * channels))
