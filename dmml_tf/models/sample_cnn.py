"""SampleCNN: a network on the raw waveform, of very short strided convolutions.

Source: Lee et al., SMC 2017, table 1 (the 3^9 model). Its 59,049 samples are 3^10; the excerpt's 66,150 pass the
same ten divisions by 3 and end in one place as well, since a pool drops what does not fill it:
22,050 -> 7,350 -> 2,450 -> 816 -> 272 -> 90 -> 30 -> 10 -> 3 -> 1.
"""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.normalisation import normalised_map

layers = keras.layers

# Filters of each block as a multiple of the width: 128, 128, six times 256, 512 at width 64.
_FACTORS = (2, 2, 4, 4, 4, 4, 4, 4, 8)
DROPOUT = 0.5


def sample_cnn_vector(audio: tf.Tensor, width: int) -> tf.Tensor:
    """Audio [batch, 66150] -> [batch, 8 width]: strided convolution, nine blocks, a convolution of 1, dropout.

    Args:
        audio: samples in -1..1.
        width: 64 gives the published numbers of filters (128 to 512).
    """
    x = layers.Reshape((audio.shape[1], 1))(audio)
    x = layers.ReLU()(_normalised(x, 2 * width, 3, strides=3))
    for factor in _FACTORS:
        # ReLU keeps the order, so that it may follow the pool, on a third of the places.
        x = layers.ReLU()(layers.MaxPooling1D(3)(_normalised(x, factor * width, 3)))
    x = layers.Flatten()(layers.ReLU()(_normalised(x, 8 * width, 1)))
    return layers.Dropout(DROPOUT)(x)


def _normalised(x, filters: int, kernel: int, strides: int = 1):
    x = layers.Conv1D(filters, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_uniform")(x)
    # Of four axes the normalisation is one fused pass, of three a dozen: it was most of a step's time.
    places = x.shape[1]
    x = normalised_map(layers.Reshape((1, places, filters))(x))
    return layers.Reshape((places, filters))(x)
