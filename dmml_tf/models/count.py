"""Multiply-adds of a network: what a block or a frontend costs, counted from its layers."""

import math
from collections.abc import Iterator

from tensorflow import keras

from dmml_tf.models.frontends import LogMelFrontend
from dmml_tf.models.stem import Stem

layers = keras.layers


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one window's way through `model`: those of its convolutions, dense layers and frontends.

    A layer whose kernel is applied at P places costs P times the kernel's numbers; zeros of the padding count.
    Normalisations, rectifiers, pools and sums are left out, as is usual. A layer with a method
    `multiply_adds(output_shape)` says itself what it costs.
    """
    return sum(_of_layer(layer, tuple(layer.output.shape)) for layer in _leaves(model))


def _leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _of_layer(layer: keras.layers.Layer, shape: tuple) -> int:
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(shape)
    if isinstance(layer, LogMelFrontend):
        return _of_log_mel(layer, shape)
    if not isinstance(layer, (layers.Conv1D, layers.Conv2D, layers.Dense, Stem)):
        return 0
    # The stem's convolution runs at full size; its output is pooled 2x2 already.
    return math.prod(layer.kernel.shape) * math.prod(shape[1:-1]) * (4 if isinstance(layer, Stem) else 1)


def _of_log_mel(layer: LogMelFrontend, shape: tuple) -> int:
    """n log2 n for each frame's transform of n real samples (radix 2), and the product with the mel filters."""
    size = layer.features.n_fft
    return shape[1] * (round(size * math.log2(size)) + (size // 2 + 1) * shape[2])
