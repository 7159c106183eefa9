"""Blocks: each halves the map and gives `4 * width` channels. Swappable by name.

Source: Lee et al., ICASSP 2020, section 3.2: "a naive Inception module with stride 2, then an
Inception module with dimension reduction"; modules as in Szegedy et al., CVPR 2015, figure 2. The
branch widths and batch normalisation are not in the paper: four equal branches give its 256 maps
at `width` 64, and every convolution is normalised.
"""

from collections.abc import Callable

from tensorflow import keras

from tfrecords_tools.errors import UserError

layers = keras.layers

# Keras's 0.99 needs several hundred steps to follow; validation starts after a few dozen.
MOMENTUM = 0.9


def conv_unit(x, filters: int, kernel: int, strides: int = 1):
    """Convolution, batch normalisation, ReLU; `same` padding. No bias: the normalisation has one."""
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=MOMENTUM)(x)
    return layers.ReLU()(x)


def inception_block(x, width: int):
    """Naive module with stride 2, then the module with dimension reduction: [H, W, C] -> [H/2, W/2, 4 width]."""
    naive = [conv_unit(x, width, kernel, strides=2) for kernel in (1, 3, 5)]
    naive.append(layers.MaxPooling2D(3, strides=2, padding="same")(x))
    x = layers.Concatenate()(naive)
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    reduced = [
        conv_unit(x, width, 1),
        conv_unit(conv_unit(x, width, 1), width, 3),
        conv_unit(conv_unit(x, width, 1), width, 5),
        conv_unit(pooled, width, 1),
    ]
    return layers.Concatenate()(reduced)


def conv_block(x, width: int):
    """Convolution 3x3, batch normalisation, ReLU, 2x2 max-pool: [H, W, C] -> [H/2, W/2, 4 width]."""
    return layers.MaxPooling2D(2, padding="same")(conv_unit(x, 4 * width, 3))


BLOCKS: dict[str, Callable] = {"inception": inception_block, "conv": conv_block}


def block_by_name(name: str) -> Callable:
    """The block of that name; `UserError` that lists the known ones otherwise."""
    if name not in BLOCKS:
        raise UserError(f"unknown block '{name}'; known are: {', '.join(BLOCKS)}")
    return BLOCKS[name]
