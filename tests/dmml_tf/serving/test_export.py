"""The SavedModel against the Python path, in processes that import none of our code."""

import concurrent.futures
import functools
import io
import subprocess
import sys
from pathlib import Path

import midirenderer
import numpy as np
import pretty_midi
import pytest
import soundfile
import soxr
import tensorflow as tf
from tensorflow import keras
from tensorflow.core.protobuf import saved_model_pb2

from dmml_tf import spaces
from dmml_tf.conditions import Condition, Conditions
from dmml_tf.serving.export import export_saved_model
from tests import savedmodel_loader
from tests.dmml_tf.search.made import tiny_embedding
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([
    Condition("genre", "shared_tag", width=8),
    Condition("tempo_2", "within", width=4, tolerance=5.0),
    Condition("track", "same_track", width=0, weight=0.5),
])
LOAD_WITH_TENSORFLOW_ALONE = """
import sys
import numpy as np, tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
np.savez(sys.argv[3], **{name: value.numpy() for name, value in serve(audio=tf.constant(np.load(sys.argv[2]))).items()})
assert not [name for name in sys.modules if name.startswith(("dmml_tf", "tfrecords_tools", "librosa"))]
"""


def played(program: int, pitches: list[int]) -> np.ndarray:
    """float64 [66150]: recorded notes of a General MIDI program, played as a chord each half second."""
    score, part = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(program)
    chords = [(beat, pitch + beat) for beat in range(6) for pitch in pitches]
    part.notes = [pretty_midi.Note(100, pitch, beat / 2, beat / 2 + 0.4) for beat, pitch in chords]
    score.instruments.append(part)
    midi = io.BytesIO()
    score.write(midi)
    soundfont = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2").read_bytes()
    wave = io.BytesIO(midirenderer.render_wave_from(soundfont, midi.getvalue()))
    samples, rate = soundfile.read(wave)
    mono = soxr.resample(samples.mean(axis=1), rate, 22_050)
    return np.pad(mono, (0, max(66_150 - len(mono), 0)))[:66_150]


@functools.cache
def sounds() -> np.ndarray:
    """float32 [5, 66150]: a piano, violins, noise, clicks, silence."""
    samples = np.arange(66_150)
    noise = np.random.default_rng(0).normal(0, 0.2, samples.size)
    rows = [played(0, [57, 61, 64]), played(48, [45, 52]), noise, (samples % 11_025 == 0) * 0.9, np.zeros(samples.size)]
    return np.stack(rows).astype(np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(SavedModel's path, file with the audio, expected outputs by the Python path)."""
    folder = tmp_path_factory.mktemp("exported")
    model = tiny_embedding(CONDITIONS.size)
    path = export_saved_model(model, CONDITIONS, LogMel(), folder / "dmml")
    np.save(folder / "audio.npy", sounds())
    whole = model(np.stack([LogMel().extract(row) for row in sounds()]), training=False).numpy()
    parts = {name: spaces.unit(whole[:, owned]) for name, owned in CONDITIONS.subspaces.items()}
    return path, folder / "audio.npy", {"embedding": whole, **parts}


def assert_same(found, expected: dict) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-4, err_msg=name)


def run_program(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_what_the_folder_holds(exported):
    path, _, expected = exported
    assert np.ptp(expected["embedding"], axis=0).max() > 0.01  # the sounds are told apart
    assert path.name == "1" and (path / "saved_model.pb").exists()
    assert [entry.name for entry in path.parent.iterdir()] == ["1"]


def test_tensorflow_alone_gives_what_python_gives(exported, tmp_path):
    path, audio, expected = exported
    done = run_program("-c", LOAD_WITH_TENSORFLOW_ALONE, path, audio, tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as found:
        assert_same(found, expected)


def test_the_session_loader_of_serving_gives_what_python_gives(exported, tmp_path):
    path, audio, expected = exported
    # The program does not import tensorflow, so the tensors' names are read here.
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    signature = saved.meta_graphs[0].signature_def["serving_default"]
    outputs = [f"{name}={info.name}" for name, info in signature.outputs.items()]
    done = run_program(Path(savedmodel_loader.__file__), path, audio, tmp_path / "out.npz",
                       signature.inputs["audio"].name, *outputs)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as found:
        assert_same(found, expected)


def test_saved_model_cli_shows_and_runs_it(exported, tmp_path):
    path, audio, expected = exported
    cli = ["-m", "tensorflow.python.tools.saved_model_cli"]
    select = ["--dir", path, "--tag_set", "serve", "--signature_def", "serving_default"]
    with concurrent.futures.ThreadPoolExecutor() as pool:  # most of the time is the programs' start
        showing = pool.submit(run_program, *cli, "show", *select)
        done = run_program(*cli, "run", *select, "--inputs", f"audio={audio}", "--outdir", tmp_path)
    shown = showing.result()
    assert "inputs['audio'] tensor_info:" in shown.stdout and "shape: (-1, 66150)" in shown.stdout
    for name, width in [("embedding", 12), ("genre", 8), ("tempo_2", 4)]:
        assert f"outputs['{name}'] tensor_info:" in shown.stdout and f"shape: (-1, {width})" in shown.stdout
    assert done.returncode == 0, done.stderr
    assert_same({file.stem: np.load(file) for file in tmp_path.glob("*.npy")}, expected)


def test_a_batch_of_one_and_a_silent_one(exported):
    path, audio, expected = exported
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    for row, samples in enumerate(np.load(audio)):
        found = serve(audio=tf.constant(samples[None]))
        for name, array in expected.items():
            np.testing.assert_allclose(found[name][0], array[row], atol=1e-4)
    assert np.isfinite(found["genre"].numpy()).all()  # the last row is silence


def test_a_zero_subspace_stays_zero(tmp_path):
    inputs = keras.Input((129, 128))
    zeros = keras.layers.Dense(12, kernel_initializer="zeros")(keras.layers.GlobalAveragePooling1D()(inputs))
    path = export_saved_model(keras.Model(inputs, zeros), CONDITIONS, LogMel(), tmp_path)
    found = tf.saved_model.load(str(path)).signatures["serving_default"](audio=tf.constant(sounds()))
    assert all((array.numpy() == 0).all() for array in found.values())


def test_without_subspaces_the_whole_is_the_only_output(tmp_path):
    category = Conditions([Condition("genre", "shared_tag", width=0)])
    path = export_saved_model(tiny_embedding(6), category, LogMel(), tmp_path)
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    assert set(serve.structured_outputs) == {"embedding"}


@pytest.mark.parametrize("name", ["embedding", "", "two words", "a/b", "1st", "tempo\n", "mélodie"])
def test_a_name_that_no_output_can_have(tmp_path, name):
    with pytest.raises(UserError, match="condition"):
        export_saved_model(tiny_embedding(4), Conditions([Condition(name, "shared_tag", width=4)]), LogMel(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_exporting_again_replaces_and_a_failure_does_not(tmp_path, monkeypatch, capsys):
    first = export_saved_model(tiny_embedding(12, seed=1), CONDITIONS, LogMel(), tmp_path)
    before = (first / "variables" / "variables.data-00000-of-00001").read_bytes()
    export_saved_model(tiny_embedding(12, seed=2), CONDITIONS, LogMel(), tmp_path)
    after = (first / "variables" / "variables.data-00000-of-00001").read_bytes()
    assert before != after and capsys.readouterr().out == ""

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    # Keras 3's ExportArchive is made of another class than the one it is called by.
    monkeypatch.setattr(type(keras.export.ExportArchive()), "write_out", full_disk)
    with pytest.raises(OSError):
        export_saved_model(tiny_embedding(12, seed=3), CONDITIONS, LogMel(), tmp_path)
    assert (first / "variables" / "variables.data-00000-of-00001").read_bytes() == after
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]
