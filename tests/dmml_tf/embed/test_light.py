"""The network in LiteRT against the Keras model; its file when it is missing, damaged, or of other weights."""

import concurrent.futures
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.embed import light
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.light import LightNetwork, convert, largest_difference, light_network
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import LIGHT_FILE, WEIGHTS_FILE, Run
from dmml_tf.search.index import Index
from tests.dmml_tf.commands.untrained import CONDITIONS, NETWORK, untrained_run
from tests.synthetic import SCHEMA
from tfrecords_tools.features import LogMel

pytest.importorskip("ai_edge_litert", reason="the extra lite is not installed")
WIDTH = (2, 1, 1, 1, 1, 2, 2)


@pytest.fixture
def run(tmp_path) -> Run:
    return untrained_run(tmp_path / "run")


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 22_050 * 7), 22_050)
    return path


@pytest.fixture
def built(monkeypatch) -> list:
    """The runs whose Keras model was built."""
    calls, embedding = [], Run.embedding
    monkeypatch.setattr(Run, "embedding", lambda run: calls.append(run) or embedding(run))
    return calls


def windows(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 2, (count, 129, 128)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        *({"block": block, "width": WIDTH} for block in ("inception", "conv", "conv_se", "resnet", "resnet_se")),
        {"block": "inception", "width": WIDTH, "tower_size": 4, "tower_width": WIDTH},
        {"block": "conv", "width": WIDTH, "tower_size": 10, "tower_width": WIDTH, "offset": False},
    ],
)
def test_every_block_gives_the_numbers_of_the_keras_model(network):
    keras.utils.set_random_seed(0)
    model = build_embedding(**network, size=10)
    for layer in model.layers:  # as training leaves them: no mean is 0
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([np.random.default_rng(2).uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    lite = LightNetwork(convert(model))
    assert lite.input_shape == (None, 129, 128) and lite.output_shape == (None, 10)
    assert largest_difference(lite, model) < 1e-5
    for count in (1, 8, 3, 19):
        expected = np.asarray(model(windows(count), training=False))
        np.testing.assert_allclose(lite(windows(count)), expected, atol=1e-4 * np.abs(expected).max())


def test_embeddings_of_zeros_prove_nothing():
    window = keras.Input((3, 2))
    dead = keras.Model(window, keras.layers.Flatten()(window * 0.0))
    assert largest_difference(lambda windows: np.zeros((2, 6)), dead) == np.inf
    alive = keras.Model(window, keras.layers.Flatten()(window))
    assert largest_difference(lambda windows: windows.reshape(2, 6), alive) == 0.0


def test_threads_do_not_disturb_each_other(run):
    lite = light_network(run)
    expected = [lite(windows(count)) for count in (1, 5, 40)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for count, found in zip((1, 5, 40) * 10, pool.map(lambda count: lite(windows(count)), (1, 5, 40) * 10)):
            np.testing.assert_array_equal(found, expected[(1, 5, 40).index(count)])


def test_the_file_is_made_once_and_then_no_keras_model_is(run, song, built, capfd):
    expected = embed_audio(song, Embedder(Run.embedding(run), LogMel()))
    built.clear()
    for times in (1, 1):
        embedder = Embedder.of_run(run)
        assert isinstance(embedder.network, LightNetwork) and embedder.size == 10 and len(built) == times
        np.testing.assert_allclose(embed_audio(song, embedder), expected, atol=1e-4 * np.abs(expected).max())
    assert capfd.readouterr() == ("", "")
    assert not list(run.folder.glob(".tmp*"))


def test_a_damaged_file_is_made_again(run, built):
    expected = light_network(run)(windows(1))
    whole = (run.folder / LIGHT_FILE).read_bytes()
    for damaged in (b"", whole[:-1], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]):
        (run.folder / LIGHT_FILE).write_bytes(damaged)
        built.clear()
        for times in (1, 1):
            np.testing.assert_array_equal(light_network(run)(windows(1)), expected)
            assert len(built) == times


def test_a_file_of_other_weights_is_made_again(run):
    before = light_network(run)(windows(2))
    other = build_embedding(**NETWORK)
    other.save_weights(str(run.folder / WEIGHTS_FILE))
    found = light_network(run)(windows(2))
    assert np.abs(found - before).max() > 1e-3
    np.testing.assert_allclose(found, np.asarray(other(windows(2), training=False)), atol=1e-4 * np.abs(found).max())


def test_without_the_runtime_the_keras_model_is_used(run, song, monkeypatch, capfd):
    expected = embed_audio(song, Embedder.of_run(run))
    (run.folder / LIGHT_FILE).unlink()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    embedder = Embedder.of_run(run)
    assert isinstance(embedder.network, keras.Model) and not (run.folder / LIGHT_FILE).exists()
    np.testing.assert_allclose(embed_audio(song, embedder), expected, atol=1e-4 * np.abs(expected).max())
    assert capfd.readouterr() == ("", "")


def test_a_runtime_that_cannot_be_loaded_is_as_none(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert isinstance(Embedder.of_run(run).network, keras.Model)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_has_the_keras_model(run, monkeypatch):
    def full(path, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(light, "whole_file", full)
    assert isinstance(Embedder.of_run(run).network, keras.Model) and not (run.folder / LIGHT_FILE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0.01, np.nan])
def test_a_conversion_that_computes_something_else_is_not_kept(run, monkeypatch, wrong):
    monkeypatch.setattr(light, "largest_difference", lambda lite, model: wrong)
    assert light_network(run) is None and not (run.folder / LIGHT_FILE).exists()


def test_a_network_of_samples_stays_with_keras(tmp_path, built):
    network = {"frontend": "sample_cnn", "width": 2, "size": 10}
    assert light_network(Run(tmp_path, CONDITIONS, network, LogMel(), SCHEMA, "")) is None and not built


@pytest.mark.spawns
def test_a_query_by_audio_imports_no_tensorflow(run, song):
    vectors = np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32)
    vectors[3] = embed_audio(song, Embedder.of_run(run))
    rows = [{"id": f"t{row}", "title": "", "artist": f"a{row}", "split": "test"} for row in range(5)]
    Index.build(vectors, CONDITIONS, rows, run.weights_sha256()).save(run.folder / "index")
    ask = ["search", "--run", str(run.folder), "--audio", str(song), "-k", "1", "--format", "json"]
    load = f"import dmml_tf as d; i = d.load({str(run.folder)!r}).index(); print(i.search({str(song)!r}, k=1).ids[0])"
    heavy = (
        "sorted({'tensorflow', 'keras', 'librosa', 'numba', 'scipy.signal', 'matplotlib', 'sklearn'} & {*sys.modules})"
    )
    for code in (f"from dmml_tf.cli import main; assert main({ask!r}) == 0", load):
        line = [sys.executable, "-c", f"import sys; {code}; print({heavy})"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120)
        assert not done.stderr and done.stdout.splitlines()[-1] == "[]", (done.stdout, done.stderr)
        answer = done.stdout.rpartition("\n[")[0]
        assert (json.loads(answer)["results"][0]["id"] if answer.startswith("{") else answer) == "t3"
