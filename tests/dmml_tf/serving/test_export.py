"""The SavedModel in processes that import none of our code, and what export refuses."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras
from tensorflow.core.protobuf import saved_model_pb2

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.serving import export
from dmml_tf.serving.graph import ServedGraph
from tests import savedmodel_loader
from tests.dmml_tf.search.made import tiny_embedding
from tests.dmml_tf.serving.made import CONDITIONS, assert_same, songs, stereo, wav_bytes
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.spawns

INPUTS = {"serving_default": "audio", "embed_log_mel": "log_mel", "embed_wav": "wav", "embed_windows": "audio"}


def run_program(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def signature_defs(path: Path):
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0].signature_def


@pytest.fixture(scope="module")
def calls(exported, tmp_path_factory):
    """(calls of each signature as the loader takes them, what Python's loader answers)."""
    folder, definitions = tmp_path_factory.mktemp("calls"), signature_defs(exported.path)
    np.save(folder / "audio.npy", songs())
    np.save(folder / "log_mel.npy", np.stack([LogMel().extract(song)[:129] for song in songs()]))
    (folder / "48.wav").write_bytes(wav_bytes(stereo(), 48_000))
    (folder / "22.wav").write_bytes(wav_bytes(songs()[1, :70_000], 22_050))
    files = [folder / "48.wav", folder / "22.wav"]
    values = {"audio": songs(), "log_mel": np.load(folder / "log_mel.npy"), "wav": [f.read_bytes() for f in files]}
    made, expected = {}, {}
    for name, key in INPUTS.items():
        fed = {"files": list(map(str, files))} if key == "wav" else {"array": str(folder / f"{key}.npy")}
        outputs = {output: info.name for output, info in definitions[name].outputs.items()}
        made[name] = {"input": definitions[name].inputs[key].name, "outputs": outputs, **fed}
        for output, array in exported.signatures[name](**{key: tf.constant(values[key])}).items():
            expected[f"{name}/{output}"] = array.numpy()
    return made, expected


def load_and_run(exported, calls: dict, folder: Path, threads: int) -> subprocess.CompletedProcess:
    (folder / "calls.json").write_text(json.dumps(calls))
    loader, calls_file = Path(savedmodel_loader.__file__), folder / "calls.json"
    return run_program(loader, exported.path, calls_file, folder / "out.npz", threads)


def test_signatures_by_name(exported):
    definitions = signature_defs(exported.path)
    assert {name: list(definitions[name].inputs) for name in INPUTS} == {name: [key] for name, key in INPUTS.items()}
    for name in INPUTS:
        assert set(definitions[name].outputs) == {"embedding", "genre", "tempo_2"}
    shape = definitions["serving_default"].outputs["genre"].tensor_shape
    assert [dim.size for dim in shape.dim] == [-1, 8]
    assert [entry.name for entry in exported.path.parent.iterdir()] == ["1"]


@pytest.mark.spawns
@pytest.mark.parametrize("threads", [1, 8])
def test_the_session_loader_of_serving_on_one_and_eight_threads(exported, calls, tmp_path, threads):
    made, expected = calls
    done = load_and_run(exported, made, tmp_path, threads)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as found:
        assert_same(dict(found), expected, 1e-5)


@pytest.mark.spawns
@pytest.mark.parametrize(
    "damage, line",
    [
        (lambda audio: audio[:, :60_000], "[audio is too short: 2.72 s, at least 3 s (66150 samples at 22050 Hz)"),
        (lambda audio: np.where(audio > 0.1, np.nan, audio), "[audio[0] holds nan: audio is finite and lies in -1..1"),
        (lambda audio: audio * 32_768, "[audio[0] holds "),
        (lambda audio: audio * [[1], [1], [0], [1]], "[audio[2] is silent: nothing in it is louder than -70 LUFS]"),
    ],
    ids=["short", "NaN", "16 bits", "silent"],
)
def test_the_session_loader_says_what_is_refused(exported, calls, tmp_path, damage, line):
    np.save(tmp_path / "audio.npy", damage(songs()).astype(np.float32))
    call = {**calls[0]["serving_default"], "array": str(tmp_path / "audio.npy")}
    done = load_and_run(exported, {"serving_default": call}, tmp_path, 1)
    assert done.returncode and line in done.stderr


@pytest.mark.spawns
def test_saved_model_cli_runs_it(exported, calls, tmp_path):
    made, expected = calls
    done = run_program(
        "-m",
        "tensorflow.python.tools.saved_model_cli",
        "run",
        "--dir",
        exported.path,
        "--tag_set",
        "serve",
        "--signature_def",
        "embed_windows",
        "--inputs",
        f"audio={made['embed_windows']['array']}",
        "--outdir",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    wanted = {key.split("/")[1]: array for key, array in expected.items() if key.startswith("embed_windows/")}
    assert_same({file.stem: np.load(file) for file in tmp_path.glob("*.npy")}, wanted, 1e-5)


def test_a_zero_subspace_stays_zero():
    inputs = keras.Input((129, 128))
    zeros = keras.layers.Dense(12, kernel_initializer="zeros")(keras.layers.GlobalAveragePooling1D()(inputs))
    found = ServedGraph(keras.Model(inputs, zeros), CONDITIONS, LogMel()).embed_audio(tf.constant(songs()))
    assert set(found) == {"embedding", "genre", "tempo_2"}
    assert all((array.numpy() == 0).all() for array in found.values())


def test_without_subspaces_the_whole_is_the_only_output():
    category = Conditions([SharedTag("genre", width=0)])
    found = ServedGraph(tiny_embedding(6), category, LogMel()).embed_log_mel(tf.zeros([2, 129, 128]))
    assert {name: array.shape.as_list() for name, array in found.items()} == {"embedding": [2, 6]}


@pytest.mark.parametrize("name", ["embedding", "", "two words", "a/b", "1st", "tempo\n", "mélodie"])
def test_a_name_that_no_output_can_have(tmp_path, name):
    with pytest.raises(UserError, match="condition"):
        one = Conditions([SharedTag(name, width=4)])
        export.export_saved_model(tiny_embedding(4), one, LogMel(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_exporting_again_replaces_and_a_failure_does_not(tmp_path, monkeypatch):
    def write(signatures, folder):
        (folder / "saved_model.pb").write_text(", ".join(signatures))

    def full_disk(_, folder):
        (folder / "saved_model.pb").write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "of_before").write_text("")
    model = tiny_embedding(12)
    for write_signatures, failure in [(write, contextlib.nullcontext()), (full_disk, pytest.raises(OSError))]:
        monkeypatch.setattr(export, "write_signatures", lambda _, *arguments, write=write_signatures: write(*arguments))
        with failure:
            export.export_saved_model(model, CONDITIONS, LogMel(), tmp_path)
        assert set((tmp_path / "1" / "saved_model.pb").read_text().split(", ")) == set(INPUTS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]
    assert {entry.name for entry in (tmp_path / "1").iterdir()} == {"saved_model.pb", "assets.extra"}
