"""A network in two parts: its bodies, from a window to features, and the layers behind, from those to the embedding."""

from collections.abc import Sequence

from tensorflow import keras

# The layers that read a body each, in the order of the numbers that they give; the second stands behind a tower.
DENSE = ("dense", "tower_dense")


def body_part(network: keras.Model, names: Sequence[str] = DENSE) -> keras.Model:
    """A window -> features float32 [batch, F]: what the last layers of `build_embedding`'s network read, side by side.

    The layers are the network's own.

    Args:
        network: of `build_embedding`.
        names: which of its last layers.
    """
    features = [layer.input for layer in _dense_layers(network) if layer.name in names]
    return keras.Model(network.input, keras.layers.Concatenate()(features) if len(features) > 1 else features[0])


def head_part(network: keras.Model, dropout: float) -> keras.Model:
    """Features float32 [batch, F] -> embedding float32 [batch, E], by the network's own last layers.

    Args:
        network: of `build_embedding`.
        dropout: share of the features that a training step does not see.
    """
    dense = _dense_layers(network)
    widths = [layer.kernel.shape[0] for layer in dense]

    # --- layers
    features = keras.Input((sum(widths),))
    x, first, numbers = keras.layers.Dropout(dropout)(features), 0, []
    for layer, width in zip(dense, widths):
        numbers.append(layer(x[:, first : first + width]))
        first += width
    x = keras.layers.Concatenate()(numbers) if len(numbers) > 1 else numbers[0]

    # --- functional model
    return keras.Model(features, network.get_layer("embedding")(x))


def _dense_layers(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if layer.name in DENSE]
