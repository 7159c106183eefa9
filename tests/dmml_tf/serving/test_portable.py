"""TensorFlow Lite and ONNX files against the Keras model."""

import importlib.util
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.serving import portable
from dmml_tf.serving.graph import ServedGraph
from tests.dmml_tf.search.made import tiny_embedding
from tests.dmml_tf.serving.made import CONDITIONS, assert_same, songs, with_subspaces
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow


def log_mels() -> np.ndarray:
    return np.stack([LogMel().extract(song)[:129] for song in songs()[:3]])


def test_tflite(exported, tmp_path):
    path = tmp_path / "new" / "dmml.tflite"
    assert portable.export_tflite(exported.model, CONDITIONS, LogMel(), path) < 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = tf.lite.Interpreter(str(path)).get_signature_runner("embed_log_mel")
    assert_same(run(log_mel=log_mels()), with_subspaces(exported.model, log_mels()))


@pytest.mark.skipif(importlib.util.find_spec("tf2onnx") is None, reason="the extra onnx is not installed")
def test_onnx(exported, tmp_path):
    import onnxruntime

    path = tmp_path / "dmml.onnx"
    assert portable.export_onnx(exported.model, CONDITIONS, LogMel(), path) < 1e-5
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = dict(zip([output.name for output in session.get_outputs()], session.run(None, {"log_mel": log_mels()})))
    assert_same(found, with_subspaces(exported.model, log_mels()))


def test_onnx_without_its_packages(exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(UserError, match=r"dmml\[onnx\]"):
        portable.export_onnx(exported.model, CONDITIONS, LogMel(), tmp_path / "dmml.onnx")


def test_a_conversion_that_computes_something_else_is_not_written(tmp_path):
    graph = ServedGraph(tiny_embedding(12), CONDITIONS, LogMel())
    for wrong in (0.01, np.nan):
        with pytest.raises(UserError, match="differs from the Keras model"):
            portable._write_checked(
                b"x",
                tmp_path / "m",
                graph,
                lambda x, wrong=wrong: {
                    name: array.numpy() + wrong for name, array in graph.embed_log_mel(tf.constant(x)).items()
                },
            )
    with pytest.raises(UserError, match="has the outputs"):
        portable._write_checked(b"x", tmp_path / "m", graph, lambda x: {"embedding": x})
    assert not list(tmp_path.iterdir())
