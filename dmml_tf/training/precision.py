"""The network as it trains: on several devices, or in half the bits, beside the plain one that is kept."""

from tensorflow import keras

from dmml_tf.models.stem import Stem
from tfrecords_tools.errors import UserError

FLOAT32 = "float32"
PRECISIONS = (FLOAT32, "mixed_bfloat16", "mixed_float16")
_OUTPUT = "embedding"  # the last layer, whose numbers stay in float32 as all that follows: lengths, distances, losses


def training_form(network: keras.Model, precision: str, synchronised: bool) -> keras.Model:
    """A network of the same layers, names and weights, in which body and dense layer compute in half the bits.

    Weights are float32 always, and so are the frontend, whose Fourier transforms need it, the embedding that comes out,
    and the moments of a batch normalisation.

    Args:
        network: from `dmml_tf.models.embedding.build_embedding`.
        precision: one of `PRECISIONS`.
        synchronised: takes the moments of each batch normalisation over all replicas.

    Raises:
        UserError: on another precision, or a mixed one where no layer could take it.
    """
    if precision not in PRECISIONS:
        raise UserError(f"config.train.precision '{precision}' is unknown; known are: {', '.join(PRECISIONS)}")
    if precision == FLOAT32 and not synchronised:
        return network
    names = _body(network) if precision != FLOAT32 else set()
    if precision != FLOAT32 and not names:
        raise UserError(f"config.train.precision '{precision}': this frontend has no layer for it; take {FLOAT32}")

    def remake(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if synchronised and isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = True
        if layer.name in names:
            config["dtype"] = precision
        return layer.__class__.from_config(config)

    made = keras.models.clone_model(network, clone_function=remake)
    made.set_weights(network.get_weights())
    return made


def _body(network: keras.Model) -> set[str]:
    """Names of the layers from the first convolution on, but for the last one."""
    for kind in (Stem, keras.layers.Conv1D):
        place = next((place for place, layer in enumerate(network.layers) if isinstance(layer, kind)), None)
        if place is not None:
            return {layer.name for layer in network.layers[place:]} - {_OUTPUT}
    return set()


class Follow(keras.callbacks.Callback):
    """Copies the weights of the network that trains to the plain one that looks on, after each epoch.

    Args:
        trained: from `training_form`.
        plain: the network that it was made of, which pictures, figures and the finished run take.
    """

    def __init__(self, trained: keras.Model, plain: keras.Model):
        super().__init__()
        self.trained, self.plain = trained, plain

    def copy(self) -> None:
        """Copies them now. Every worker calls it: some weights are means over all of them."""
        if self.trained is not self.plain:
            self.plain.set_weights(self.trained.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.copy()
