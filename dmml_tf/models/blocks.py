"""Blocks: each halves the map and gives `4 * width` channels. Swappable by name.

Source: Lee et al., ICASSP 2020, section 3.2, which compares all four kinds and found Inception best: "a naive
Inception module with stride 2, then an Inception module with dimension reduction"; modules as in Szegedy et
al., CVPR 2015, figure 2. The branch widths and batch normalisation are not in the paper: four equal branches
give its 256 maps at `width` 64, and every convolution is normalised.
"""

from collections.abc import Callable

from tensorflow import keras

from dmml_tf.models.normalisation import normalised_map
from tfrecords_tools.errors import UserError

layers = keras.layers

# Hu et al. squeeze to a sixteenth of the channels.
REDUCTION = 16


def conv_unit(x, filters: int, kernel: int, strides: int = 1):
    """Convolution, batch normalisation, ReLU; `same` padding. No bias: the normalisation has one."""
    return layers.ReLU()(_normalised(x, filters, kernel, strides))


def _normalised(x, filters: int, kernel: int, strides: int = 1):
    if kernel == 1 and strides > 1:
        # The same numbers: a kernel of one place sees only the places that the stride keeps. In the gradient of the
        # strided form, oneDNN writes past its buffers where both sides have fewer channels than a vector register
        # holds numbers (8 with AVX2, 16 with AVX-512; TensorFlow 2.15 and 2.21), and the process dies.
        x, strides = layers.MaxPooling2D(1, strides=strides, padding="same")(x), 1
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    return normalised_map(x)


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


def conv_se_block(x, width: int):
    """`conv_block`, then `squeeze_excitation`, after the pool as in Kim, Lee and Nam, ICASSP 2018."""
    return squeeze_excitation(conv_block(x, width))


def resnet_block(x, width: int):
    """Two convolutions 3x3, the first with stride 2, around a shortcut: [H, W, C] -> [H/2, W/2, 4 width].

    He et al., CVPR 2016, figure 2, with a projection 1x1 on every shortcut, since every block halves the map.
    """
    return _add_shortcut(x, _residual(x, width), width)


def resnet_se_block(x, width: int):
    """`resnet_block` with `squeeze_excitation` on the residual, before the sum (Hu et al., figure 3)."""
    return _add_shortcut(x, squeeze_excitation(_residual(x, width)), width)


def squeeze_excitation(x):
    """Each channel times a factor of 0 to 1 that all channels' means decide: [H, W, C] -> the same.

    Hu et al., CVPR 2018, section 3: mean over the map, dense ReLU to C / 16 units, dense sigmoid back to C. The
    two dense layers are convolutions 1x1 on a map of one place.
    """
    channels = x.shape[-1]
    factor = layers.GlobalAveragePooling2D(keepdims=True)(x)
    factor = layers.Conv2D(max(1, channels // REDUCTION), 1, activation="relu")(factor)
    factor = layers.Conv2D(channels, 1, activation="sigmoid")(factor)
    return layers.Multiply()([x, factor])


def _residual(x, width: int):
    return _normalised(conv_unit(x, 4 * width, 3, strides=2), 4 * width, 3)


def _add_shortcut(x, residual, width: int):
    return layers.ReLU()(layers.Add()([_normalised(x, 4 * width, 1, strides=2), residual]))


BLOCKS: dict[str, Callable] = {
    "inception": inception_block,
    "conv": conv_block,
    "conv_se": conv_se_block,
    "resnet": resnet_block,
    "resnet_se": resnet_se_block,
}


def block_by_name(name: str) -> Callable:
    """The block of that name; `UserError` that lists the known ones otherwise."""
    if name not in BLOCKS:
        raise UserError(f"unknown block '{name}'; known are: {', '.join(BLOCKS)}")
    return BLOCKS[name]
