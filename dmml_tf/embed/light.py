"""The network of a run in LiteRT: it starts in a tenth of a second, and TensorFlow need not be imported for it.

It lies beside the weights as `embedding.tflite`, converted once by the Keras model, which stays the reference: the two
differ by 1e-4 of the largest number at most, or the file is not written. Its last bytes say which weights it was made
of and that it is whole, as a reader of such files ignores what follows the model.
"""

import concurrent.futures
import contextlib
import hashlib
import importlib.util
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dmml_tf.data.signal import Signal
from dmml_tf.run import LIGHT_FILE, Run
from tfrecords_tools.files import whole_file

if TYPE_CHECKING:  # a search by audio does not wait for it
    from tensorflow import keras

TOLERANCE = 1e-4  # of the largest number of an embedding
_AT_ONCE = 8  # windows: what these need lies in a core's cache, and a batch of 64 takes a quarter longer
_FORM = 1  # of the conversion; raise it when files of before must be made again
_DIGEST = hashlib.sha256().digest_size


class LightNetwork:
    """What an `Embedder` asks of a Keras model, by LiteRT.

    Attributes:
        input_shape, output_shape: as a Keras model has them, (None, ...).

    Args:
        content: a model of one input and one output, float32 each.
        threads: that compute at once; 0 takes one a core.

    Raises:
        ValueError: if the content is no such model.
    """

    def __init__(self, content: bytes, threads: int = 0):
        self._content, self._making, self._of_thread = content, threading.Lock(), threading.local()
        self._pool = concurrent.futures.ThreadPoolExecutor(threads or _cores())
        interpreter = self._interpreter()
        (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
        self.input_shape: tuple[Any, ...] = (None, *map(int, taken["shape_signature"][1:]))
        self.output_shape: tuple[Any, ...] = (None, *map(int, given["shape_signature"][1:]))
        self._taken, self._given = taken["index"], given["index"]

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """float32 [B, E] of float32 [B, ...], B at least 1; a few windows on each core at a time."""
        parts = [windows[first : first + _AT_ONCE] for first in range(0, len(windows), _AT_ONCE)]
        return np.concatenate([self._few(parts[0])] if len(parts) == 1 else list(self._pool.map(self._few, parts)))

    def _few(self, windows: np.ndarray) -> np.ndarray:
        interpreter = self._interpreter()
        if self._of_thread.batch != len(windows):
            interpreter.resize_tensor_input(self._taken, windows.shape)
            interpreter.allocate_tensors()
            self._of_thread.batch = len(windows)
        interpreter.set_tensor(self._taken, windows)
        interpreter.invoke()
        return interpreter.get_tensor(self._given)

    def _interpreter(self) -> Any:
        """This thread's own: threads of one interpreter would wait for each other at every layer."""
        if not hasattr(self._of_thread, "interpreter"):
            from ai_edge_litert.interpreter import Interpreter

            with self._making, _quiet():
                self._of_thread.interpreter = Interpreter(model_content=self._content, num_threads=1)
                self._of_thread.interpreter.allocate_tensors()
                self._of_thread.batch = 0
        return self._of_thread.interpreter


def has_runtime() -> bool:
    """Whether LiteRT is installed, which the extra `lite` brings."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def light_network(run: Run, threads: int = 0) -> LightNetwork | None:
    """The network of a run in LiteRT, converted first where no whole file of its weights is there.

    Returns:
        None where LiteRT is not installed, the network takes samples, whose frontends it does not know, the folder
        cannot be written, or the conversion would give other numbers.

    Raises:
        UserError: as `Run.embedding`.
    """
    if not has_runtime() or Signal.from_config(run.network, run.features).takes_samples:
        return None
    path, weights = run.folder / LIGHT_FILE, run.weights_sha256()
    try:
        return LightNetwork(_read(path, weights) or _write(path, weights, run), threads)
    except (ImportError, OSError, ValueError):  # a runtime that this machine cannot load, or a folder to read only
        return None


def _read(path: Path, weights: str) -> bytes:
    """The model of a whole file of these weights; empty otherwise."""
    content = path.read_bytes() if path.exists() else b""
    model, digest = content[:-_DIGEST], content[-_DIGEST:]
    return model if digest == _digest(model, weights) else b""


def _write(path: Path, weights: str, run: Run) -> bytes:
    model = run.embedding()
    content = convert(model)
    difference = largest_difference(LightNetwork(content), model)
    if not difference <= TOLERANCE:  # so that NaN fails
        raise ValueError(f"differs by {difference:.2g}")
    with whole_file(path, shared=True) as temporary:
        temporary.write_bytes(content + _digest(content, weights))
    return content


def _digest(model: bytes, weights: str) -> bytes:
    return hashlib.sha256(f"{_FORM} {weights} ".encode() + model).digest()


def convert(network: "keras.Model") -> bytes:
    """The content of a `.tflite` file, float32, for batches of any size."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    window = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)
    traced = tf.function(lambda windows: network(windows, training=False), [window], autograph=False, jit_compile=False)
    # The converter would do so itself, by way of a SavedModel and ten times as slowly.
    constant = convert_variables_to_constants_v2(traced.get_concrete_function())
    with _quiet():
        content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([constant]).convert()
    return content


def largest_difference(light: LightNetwork, network: "keras.Model") -> float:
    """Between two networks' embeddings of two made windows, by the largest number of them.

    Infinite where all of them are 0, as ReLU may leave an untrained network: they prove nothing of other windows.
    """
    made = np.random.default_rng(0).uniform(0.0, 1.5, (2, *network.input_shape[1:])).astype(np.float32)
    expected = np.asarray(network(made, training=False))
    largest = np.abs(expected).max()
    return float(np.abs(light(made) - expected).max() / largest) if largest else math.inf


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing reaches standard error: converter and runtime tell their users of every step from C++."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
