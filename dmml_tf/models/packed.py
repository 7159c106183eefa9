"""A network's weights in one small file: plain arrays in a zip file, half of them the size that they are computed in.

The same weights give the same bytes on every machine and either Keras, and the file's name says their SHA-256.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from tensorflow import keras

from tfrecords_tools.errors import UserError

SUFFIX = ".npz"
_PREFIX, _DIGITS = "weights-", 12
_AGAIN = "remove its folder and give --run pretrained, which unpacks the model again"
_BEFORE_TIME = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip file can name


def pack_weights(network: keras.Model) -> bytes:
    """The weights as the content of an `.npz` file that `np.load(..., allow_pickle=False)` reads.

    Kernels are float16. Vectors stay float32: they are 1 % of the numbers, and a batch normalisation's variances may
    be larger and smaller than float16 can tell. Arrays are called PLACE.LAYER.NUMBER, by the place of a layer among
    those that have weights, which is the same for Keras 2.15 and Keras 3 as the layers' own names are not.

    Raises:
        UserError: if a weight is not finite in float16.
    """
    file = io.BytesIO()
    # Stored, not deflated: compressed bytes depend on the version of zlib, and weights do not compress.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, weight in _named_weights(network).items():
            with np.errstate(over="ignore"):  # found below
                packed = weight.astype(np.float16 if weight.ndim > 1 else np.float32)
            if not np.isfinite(packed).all():
                raise UserError(f"weight {name} has numbers that float16 cannot hold; the run cannot be packed")
            array = io.BytesIO()
            np.lib.format.write_array(array, np.ascontiguousarray(packed), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _BEFORE_TIME), array.getvalue())
    return file.getvalue()


def packed_name(content: bytes) -> str:
    """`weights-0123456789ab.npz`, the digits being the first of the content's SHA-256."""
    return f"{_PREFIX}{hashlib.sha256(content).hexdigest()[:_DIGITS]}{SUFFIX}"


def load_packed(network: keras.Model, path: Path) -> None:
    """Gives a network the weights of a packed file, in float32.

    Raises:
        UserError: if the file is missing or damaged, or of another network.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    if (right := packed_name(content)) != path.name:
        raise UserError(f"{path}: the file is damaged: by its content it would be called {right}; {_AGAIN}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            weights = {name: arrays[name].astype(np.float32) for name in arrays.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: is no file of packed weights ({error}); {_AGAIN}") from error
    if _shapes(weights) != _shapes(_named_weights(network)):
        raise UserError(f"{path}: holds the weights of another network than model.json describes; {_AGAIN}")
    rest = iter(weights.values())
    for layer in _layers_with_weights(network):
        layer.set_weights([next(rest) for _ in layer.weights])


def _layers_with_weights(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if layer.weights]


def _named_weights(network: keras.Model) -> dict[str, np.ndarray]:
    return {
        f"{place:03d}.{type(layer).__name__}.{number}": np.asarray(weight)
        for place, layer in enumerate(_layers_with_weights(network))
        for number, weight in enumerate(layer.get_weights())
    }


def _shapes(weights: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: weight.shape for name, weight in weights.items()}
