"""The exported model of a network that takes samples: its windows are those that are cut from its record's PCM."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorflow import keras
from tensorflow.core.protobuf import saved_model_pb2

from dmml_tf.data.signal import AUDIO, whole_windows
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.models.embedding import build_embedding
from dmml_tf.serving import portable
from dmml_tf.serving.export import export_saved_model
from dmml_tf.serving.graph import WINDOWS_HOP, ServedGraph
from dmml_tf.serving.warmup import WARMUP_FILE
from tests import savedmodel_loader
from tests.dmml_tf.serving.made import CONDITIONS, assert_same, outputs_of, songs, stereo
from tfrecords_tools.audio.extract import Task, as_pcm, extract
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow

SIGNATURES = {"serving_default": "audio", "embed_wav": "wav", "embed_windows": "audio"}


def linear(size: int) -> keras.Model:
    """Each output is a random sum of the window's samples: a window that begins one sample late is another."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((66_150,))
    return keras.Model(inputs, keras.layers.Dense(size, use_bias=False)(inputs))


def of_record(model: keras.Model, samples: np.ndarray, hop: int) -> np.ndarray:
    """float32 [windows, size]: as the PCM of a record is cut and embedded."""
    row = {"audio": as_pcm(samples)}
    starts = whole_windows(len(samples) // 512, 129, hop)
    return np.asarray(model(np.stack([AUDIO.cut(row, start) for start in starts]), training=False))


# 3 s less a millisecond; one window; nearly two; two, the second of which wants 102 samples that are not there.
@pytest.mark.parametrize("samples", [66_128, 66_150, 132_095, 132_096, 132_150, 154_350])
def test_windows_are_the_records_to_the_sample(samples):
    model = linear(CONDITIONS.size)
    graph = ServedGraph(model, CONDITIONS, LogMel())
    audio = songs()[:, :samples]
    for hop, embed in ((129, graph.embed_audio), (WINDOWS_HOP, graph.embed_windows)):
        expected = np.stack([of_record(model, song, hop) for song in audio])
        found = embed(tf.constant(audio))["embedding"].numpy()
        np.testing.assert_allclose(found, expected.mean(axis=1) if hop == 129 else expected, atol=1e-5)
    assert np.abs(expected[:, -1]).max() > 1e-3


def test_samples_beyond_1_are_clipped_as_in_records():
    graph = ServedGraph(linear(4), CONDITIONS, LogMel())
    loud = 3 * songs()[1:2, :66_150]
    expected = of_record(linear(4), loud[0], 129)
    np.testing.assert_allclose(graph.embed_audio(tf.constant(loud))["embedding"], expected, atol=1e-5)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A narrow network of the frontend `multi_input`, exported."""
    keras.utils.set_random_seed(0)
    model = build_embedding("conv", (2, 1, 1, 1, 1, 2, 2), CONDITIONS.size, "multi_input")
    path = export_saved_model(model, CONDITIONS, LogMel(), tmp_path_factory.mktemp("served"))
    definitions = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    return SimpleNamespace(model=model, path=path, signatures=definitions.meta_graphs[0].signature_def)


def test_there_is_no_log_mel_signature(served):
    assert {name for name in served.signatures if not name.startswith("__")} == set(SIGNATURES)
    records = list(tf.data.TFRecordDataset(str(served.path / WARMUP_FILE)).as_numpy_iterator())
    assert len(records) == 3 and not any(b"embed_log_mel" in record for record in records)


@pytest.mark.spawns
def test_each_signature_in_servings_loader_is_the_python_path(served, tmp_path):
    files = [tmp_path / "stereo.wav", tmp_path / "low.wav"]
    soundfile.write(files[0], stereo(), 48_000, subtype="PCM_16")
    soundfile.write(files[1], songs()[0, :60_000], 16_000, subtype="PCM_16")
    np.save(tmp_path / "audio.npy", songs()[:3])
    calls = {}
    for name, key in SIGNATURES.items():
        fed = {"files": list(map(str, files))} if key == "wav" else {"array": str(tmp_path / "audio.npy")}
        outputs = {output: info.name for output, info in served.signatures[name].outputs.items()}
        calls[name] = {"input": served.signatures[name].inputs[key].name, "outputs": outputs, **fed}
    (tmp_path / "calls.json").write_text(json.dumps(calls))
    program = [sys.executable, Path(savedmodel_loader.__file__), served.path, tmp_path / "calls.json"]
    done = subprocess.run([*program, tmp_path / "out.npz", "2"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as out:
        found = {name: {key.split("/")[1]: out[key] for key in out if key.startswith(f"{name}/")} for name in calls}
    windows = [of_record(served.model, song, WINDOWS_HOP) for song in songs()[:3]]
    assert np.ptp(windows[0], axis=0).max() > 1e-3  # windows in the middle are told apart
    for row, expected in enumerate(windows):
        assert_same({name: array[row] for name, array in found["embed_windows"].items()}, outputs_of(expected))
    means = [of_record(served.model, song, 129).mean(axis=0) for song in songs()[:3]]
    assert_same(found["serving_default"], outputs_of(np.stack(means)))
    asked = [embed_audio(file, Embedder(served.model, LogMel())) for file in files]
    assert_same(found["embed_wav"], outputs_of(np.stack(asked)))


def test_a_file_has_the_embedding_of_its_record(served, tmp_path):
    soundfile.write(tmp_path / "song.flac", stereo(), 48_000)
    row = {"audio": extract(Task(str(tmp_path / "song.flac"), audio=True)).audio}
    windows = np.stack([AUDIO.cut(row, start) for start in (0, 129)])
    expected = np.asarray(served.model(windows, training=False)).mean(axis=0)
    np.testing.assert_allclose(
        embed_audio(tmp_path / "song.flac", Embedder(served.model, LogMel())), expected, atol=1e-5
    )


@pytest.mark.parametrize("convert", [portable.export_tflite, portable.export_onnx])
def test_tflite_and_onnx_are_refused(tmp_path, convert):
    with pytest.raises(UserError, match="and this one takes samples; use --format=saved_model"):
        convert(linear(CONDITIONS.size), CONDITIONS, LogMel(), tmp_path / "m")
    assert not list(tmp_path.iterdir())
