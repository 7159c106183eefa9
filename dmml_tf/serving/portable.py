"""The network alone, from log-mel windows to the embedding and its sub-spaces, for TensorFlow Lite and ONNX Runtime."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.serving.export import check_output_names, write_signatures
from dmml_tf.serving.graph import ServedGraph
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import write_bytes

SIGNATURE = "embed_log_mel"
_OPSET = 17
# A converter that loses the weights is off by more than a hundredth; rounding stays below 1e-5.
_TOLERANCE = 1e-4


def export_tflite(embedding: keras.Model, conditions: Conditions, features: LogMel, path: Path) -> float:
    """Writes a float32 `.tflite` file whose signature `embed_log_mel` takes `log_mel`, float32 [batch, 129, 128].

    Args:
        embedding, conditions, features: as for `export_saved_model`.
        path: the file; replaced only by a complete and checked one.

    Returns:
        The largest difference of an output from the Keras model's, over two made windows.

    Raises:
        UserError: if the network takes samples, a condition's name cannot be an output's name, or the file computes
            something else.
    """
    graph = _graph(embedding, conditions, features)
    # By way of a SavedModel: a function of Keras 3's model would be converted without its weights.
    with tempfile.TemporaryDirectory() as folder:
        write_signatures(embedding, {SIGNATURE: graph.signatures()[SIGNATURE]}, Path(folder))
        content = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE]).convert()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the interpreter's move to another package
        run = tf.lite.Interpreter(model_content=content).get_signature_runner(SIGNATURE)
    return _write_checked(content, path, graph, lambda x: run(log_mel=x))


def export_onnx(embedding: keras.Model, conditions: Conditions, features: LogMel, path: Path) -> float:
    """Writes an `.onnx` file (opset 17) with the input `log_mel`, float32 [batch, 129, 128].

    Arguments, result and errors as `export_tflite`; also `UserError` where tf2onnx or onnxruntime cannot be
    imported: the extra `onnx` brings them.
    """
    graph = _graph(embedding, conditions, features)
    require_extra("onnx", "ONNX", "onnx", "onnxruntime", "tf2onnx")
    try:
        import onnxruntime
        import tf2onnx
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"ONNX cannot be written here ({error}); pip install 'dmml[onnx]', and beside TensorFlow 2.15 'onnx<1.19'"
        ) from error
    function, spec = graph.signatures()[SIGNATURE]
    traced = tf.function(function, [spec], autograph=False)
    content = tf2onnx.convert.from_function(traced, [spec], opset=_OPSET)[0].SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return _write_checked(content, path, graph, lambda x: dict(zip(names, session.run(None, {spec.name: x}))))


def _graph(embedding: keras.Model, conditions: Conditions, features: LogMel) -> ServedGraph:
    check_output_names(conditions)
    graph = ServedGraph(embedding, conditions, features)
    if SIGNATURE not in graph.signatures():
        raise UserError(
            "tflite and onnx hold the network from log-mel windows on, and this one takes samples; use "
            "--format=saved_model"
        )
    return graph


def _write_checked(content: bytes, path: Path, graph: ServedGraph, run: Callable[[np.ndarray], dict]) -> float:
    window = graph.signatures()[SIGNATURE][1].shape[1:]
    made = np.random.default_rng(0).uniform(0.0, 1.5, (2, *window)).astype(np.float32)
    expected, found = graph.embed_log_mel(tf.constant(made)), run(made)
    if set(found) != set(expected):
        raise UserError(f"{path}: the converted model has the outputs {sorted(found)}; wanted {sorted(expected)}")
    difference = max(float(np.abs(found[name] - array.numpy()).max()) for name, array in expected.items())
    if not difference <= _TOLERANCE:  # so that NaN fails
        raise UserError(f"{path}: the converted model differs from the Keras model by {difference:.2g}; not written")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content)
    return difference
