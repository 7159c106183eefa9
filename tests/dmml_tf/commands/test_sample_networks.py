"""Every command that uses a trained run, on a network that takes samples: a file and its record are one."""

import json

import numpy as np
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.commands import evaluate
from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.records import read_tracks
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import read_embeddings
from dmml_tf.embed.split import embed_split
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("eagerly")]
COMMANDS = [
    Command(name, name, f"dmml_tf.commands.{name}")
    for name in ("embed", "index", "search", "trace", "export", "evaluate")
]
NETWORK = {"block": "conv", "width": (2, 1, 1, 1, 1, 2, 2), "size": 8, "frontend": "log_mel_audio"}
CONDITIONS = Conditions([SharedTag("genre", width=4), Within("tempo", 5.0, width=4)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run, records that hold samples, records that hold none, and the songs of the test split as files."""
    folder = tmp_path_factory.mktemp("samples")
    dataset = write_dataset(folder / "data", {"train": 2, "test": 3}, frames=280, audio=True)
    write_dataset(folder / "without", {"test": 2}, frames=150)
    keras.utils.set_random_seed(0)
    model = build_embedding(**NETWORK)
    Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(dataset.folder)).save(model)
    (folder / "music").mkdir()
    for row in read_tracks(dataset, "test", optional=("audio",)):
        soundfile.write(folder / "music" / f"{row['track_id']}.wav", row["audio"], 22_050, subtype="PCM_16")
    return folder


def dmml(capsys, place, *arguments) -> tuple[int, str, str]:
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, [arguments[0], "--run", str(place / "run"), *map(str, arguments[1:])])
    return status, *capsys.readouterr()


def test_files_and_records_are_embedded_alike(in_this_process, place, capsys, tmp_path):
    assert dmml(capsys, place, "embed", "--data", place / "data", "--out", tmp_path / "records.parquet")[0] == 0
    files = tmp_path / "files.parquet"
    assert dmml(capsys, place, "embed", "--audio", place / "music", "--out", files, "--workers=1", "--windows")[0] == 0
    vectors, rows, _ = read_embeddings(tmp_path / "records.parquet")
    of_records = {row["id"]: vector for row, vector in zip(rows, vectors)}
    model, run = Run.load(place / "run").embedding(), Run.load(place / "run")
    expected = embed_split(Embedder(model, run.features), Dataset.load(run.dataset), "test", track_progress=False)
    assert np.ptp(expected.vectors, axis=0).max() > 0.01
    for track, vector in zip(expected.ids, expected.vectors):
        np.testing.assert_allclose(of_records[track], vector, atol=1e-5)
    found, names, _ = read_embeddings(files)
    for row, vector in zip(names, found):
        # A file of 16 bits is scaled by 2^15 when it is read and by 2^15 - 1 when it is recorded.
        np.testing.assert_allclose(vector, of_records[row["id"].removesuffix(".wav")], atol=1e-3)


def test_index_search_and_trace(place, capsys):
    status, said, _ = dmml(capsys, place, "index")
    assert status == 0 and "5 tracks, 8 numbers each" in said
    assert len(Index.load(place / "run" / "index").tracks) == 5
    song = sorted((place / "music").iterdir())[0]
    status, said, _ = dmml(capsys, place, "search", "--audio", song, "--format=json", "--k=1")
    (hit,) = json.loads(said)["results"]
    assert status == 0 and hit["id"] == song.stem and hit["score"] == pytest.approx(2.0, abs=1e-4)
    status, said, _ = dmml(capsys, place, "trace", "--audio", song, "--hop=1")
    assert status == 0 and "4 windows, 6.5 s" in said
    content = json.loads((place / "run" / "traces" / song.stem / "trace.json").read_text())
    assert len(content["subspaces"]["genre"]["nearest"]) == 4
    vectors = np.load(place / "run" / "traces" / song.stem / "windows.npy")
    row = {"audio": soundfile.read(song, dtype="int16")[0]}
    window = row["audio"][43 * 512 : 43 * 512 + 66_150].astype(np.float32) / 2**15
    second = np.asarray(Run.load(place / "run").embedding()(window[None], training=False))[0]
    np.testing.assert_allclose(vectors[1, :4], second[:4] / np.linalg.norm(second[:4]), atol=2e-3)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_export_to_a_form_without_samples_is_one_line(place, capsys, form):
    status, _, error = dmml(capsys, place, "export", f"--format={form}")
    assert status == 2 and "this one takes samples; use --format=saved_model" in error and error.count("\n") == 1


@pytest.mark.parametrize("flag", ["dim_sim", "odd_one_out"])
def test_people_are_refused_before_any_scoring(place, capsys, monkeypatch, tmp_path, flag):
    monkeypatch.setattr(evaluate, "write_evaluation", None)
    status, _, error = dmml(capsys, place, "evaluate", f"--{flag}", tmp_path / "votes.csv", "--clips", tmp_path)
    assert status == 2 and "judged clips are read as log-mel and this network takes samples; leave out" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["embed", "index"])
def test_records_without_samples_are_refused(place, capsys, tmp_path, command):
    more = ("--out", tmp_path / "x.parquet") if command == "embed" else ()
    status, _, error = dmml(capsys, place, command, "--data", place / "without", *more)
    assert status == 2 and "build them with --features=log_mel,audio" in error and error.count("\n") == 1
