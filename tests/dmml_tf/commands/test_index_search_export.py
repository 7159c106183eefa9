"""`dmml index`, `search` and `export` on a run with an untrained network."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorflow import keras

from dmml_tf.commands import export
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.records import read_tracks
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.metadata import embedded_text
from dmml_tf.embed.split import embed_split
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.build import index_run
from dmml_tf.search.index import Index
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=6),
        Within("tempo", 5.0, width=4),
        SameTrack("track", width=0, weight=0.5),
    ]
)
NETWORK = {"block": "conv", "width": 2, "size": 10}
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("index", "search", "export")]


def save_run(folder, dataset_folder, seed: int = 0) -> Run:
    keras.utils.set_random_seed(seed)
    run = Run(folder, CONDITIONS, NETWORK, LogMel(), SCHEMA, str(dataset_folder))
    run.save(build_embedding(**NETWORK))
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with its index, on 6 / 3 / 4 tracks of 7 s."""
    folder = tmp_path_factory.mktemp("trained")
    write_dataset(folder / "data", {"train": 6, "valid": 3, "test": 4}, frames=300)
    run = save_run(folder / "run", folder / "data")
    assert dispatch("dmml", "", COMMANDS, ["index", "--run", str(run.folder)]) == 0
    return run


def dmml(capsys, *arguments) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)."""
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, [str(argument) for argument in arguments])
    return status, *capsys.readouterr()


@pytest.mark.slow
def test_the_index_holds_every_split_with_readable_labels(trained):
    from tfrecords_tools.dataset import Dataset

    index, dataset = Index.load(trained.folder / "index"), Dataset.load(trained.dataset)
    expected = {row["track_id"]: (split, row) for split in dataset.splits for row in read_tracks(dataset, split)}
    assert len(index.tracks) == 13 and set(index.positions) == set(expected)
    for track in index.tracks:
        split, row = expected[track["id"]]
        assert (track["split"], track["title"], track["artist"]) == (split, row["title"], row["artist"])
        for name, vocabulary in SCHEMA.vocabularies.items():
            assert track[name] == "|".join(vocabulary[tag] for tag in row[f"tags/{name}"])
        tempo = row["values/tempo"]
        assert track["tempo"] == "" if np.isnan(tempo) else abs(float(track["tempo"]) - tempo) < 1e-3
    assert any(track["tempo"] == "" and track["mood"] == "" for track in index.tracks)


def test_the_vectors_are_the_whole_songs(trained):
    from tfrecords_tools.dataset import Dataset

    index, dataset = Index.load(trained.folder / "index"), Dataset.load(trained.dataset)
    embedded = embed_split(Embedder.of_run(trained), dataset, "valid", track_progress=False)
    for track_id, vector in zip(embedded.ids, embedded.vectors):
        stored = index.vectors[index.position(track_id)]
        for part in CONDITIONS.subspaces.values():
            np.testing.assert_allclose(stored[part], vector[part] / np.linalg.norm(vector[part]), atol=1e-5)
    assert [row["id"] for row in embedded_text(embedded, "valid", SCHEMA)] == embedded.ids


def test_search_by_track_prints_a_table(trained, capsys):
    status, out, _ = dmml(
        capsys, "search", "--run", trained.folder, "--track", "t007", "--weights", "tempo=1,genre=0.2", "-k", "3"
    )
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith("query t007: Song 7, artist 0 (") and len(lines) == 5
    assert lines[1].split() == [
        "#",
        "id",
        "title",
        "artist",
        "genre",
        "instrument",
        "mood",
        "tempo",
        "score",
        "cos(genre)",
        "cos(tempo)",
        "cos(whole)",
    ]
    index = Index.load(trained.folder / "index")
    query = index.vectors[index.position("t007")]
    for line in lines[2:]:
        score, genre, tempo, _ = map(float, line.split()[-4:])
        vector = index.vectors[index.position(line.split()[1])]
        assert abs(score - (tempo + 0.2 * genre)) < 2e-3 and abs(genre - query[:6] @ vector[:6]) < 1e-3


def test_search_as_json_and_by_several(trained, capsys):
    status, out, _ = dmml(
        capsys, "search", "--run", trained.folder, "--track", "t007", "--track", "t001", "--format=json"
    )
    found = json.loads(out)
    assert status == 0 and found["query"] == {
        "tracks": ["t007", "t001"],
        "audio": None,
        "of": {},
        "not": [],
        "filters": [],
        "weights": None,
    }
    assert len(found["results"]) == 5 and not {"t001", "t007"} & {row["id"] for row in found["results"]}


def test_stretches_are_found_and_asked_by(trained, capsys, tmp_path):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    status, out, _ = dmml(capsys, "index", "--run", run, "--windows")
    assert status == 0 and " stretches, " in out
    for name in ("vectors.npy", "lengths.npy", "tracks.csv"):
        assert (run / "index" / name).read_bytes() == (trained.folder / "index" / name).read_bytes()
    asked = ("search", "--run", run, "--track", "t007", "--at", "0:01", "--format=json", "-k", "12")
    status, out, _ = dmml(capsys, *asked)
    content = json.loads(out)
    assert status == 0 and content["query"]["window"]["begin"] == 0 and len(content["results"]) == 12
    assert all(0 <= hit["section"]["begin"] < hit["section"]["end"] <= 6 for hit in content["results"])
    assert "t007" not in {hit["id"] for hit in content["results"]}
    soundfile.write(tmp_path / "hum.wav", np.sin(np.arange(100_000) / 20.0), 22_050)
    status, out, _ = dmml(capsys, "search", "--run", run, "--audio", tmp_path / "hum.wav")
    assert status == 0 and " section " in out.splitlines()[1]
    for arguments, said in (
        ((*asked[:5], "--at=0:09"), "t007: 0:09 is not within the song, of which 0:06 were heard"),
        ((*asked[:5], "--at=x"), "write it as in 1:15 or 75"),
        ((*asked[:5], "--at=1", "--window=0-3"), "--at is a time in one song"),
        (("search", "--run", run, "--at=1", "--audio=x.wav"), "--at is a time in one song"),
        (("search", "--run", trained.folder, "--track=t007", "--at=1"), "holds whole songs alone"),
    ):
        status, out, err = dmml(capsys, *arguments)
        assert (status, out) == (2, "") and said in err and len(err.splitlines()) == 1, arguments


def test_search_by_audio(trained, capsys, tmp_path):
    soundfile.write(tmp_path / "hum.wav", np.sin(np.arange(100_000) / 20.0), 22_050)
    status, out, _ = dmml(capsys, "search", "--run", trained.folder, "--audio", tmp_path / "hum.wav", "-k", "2")
    assert status == 0 and out.splitlines()[0] == f"query {tmp_path / 'hum.wav'}" and len(out.splitlines()) == 4


def test_mix_and_match_has_two_spellings_for_any_condition(trained, capsys):
    spellings = (
        ["--genre_of", "t001", "--tempo_of=t002"],
        ["--of", "genre=t001,tempo=t002"],
        ["--of=tempo=t002", "--genre_of=t001"],
    )
    found = [dmml(capsys, "search", "--run", trained.folder, *arguments, "--format=json") for arguments in spellings]
    results = [json.loads(out)["results"] for _, out, _ in found]
    assert [status for status, *_ in found] == [0, 0, 0] and results[0] == results[1] == results[2]
    assert json.loads(found[0][1])["query"]["of"] == {"genre": ["t001"], "tempo": ["t002"]}
    vectors = Index.load(trained.folder / "index")
    part = vectors.vectors[vectors.position("t001"), :6]
    for row in results[0]:
        other = vectors.vectors[vectors.position(row["id"])]
        assert abs(row["cosines"]["genre"] - part @ other[:6]) < 1e-5 and row["id"] not in ("t001", "t002")
        assert abs(row["score"] - row["cosines"]["genre"] - row["cosines"]["tempo"]) < 1e-9


def test_a_track_with_one_part_of_another_and_unlike_a_third(trained, capsys):
    status, out, _ = dmml(
        capsys, "search", "--run", trained.folder, "--track", "t001", "--tempo_of", "t002", "--not", "t003", "-k", "20"
    )
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith("query t001") and lines[1].startswith("tempo of t002")
    assert lines[2].startswith("not t003") and len(lines) == 4 + 13 - 3


def test_filters_and_not_its_artist(trained, capsys):
    base = ("search", "--run", trained.folder, "--track", "t001", "-k", "20", "--format=json")
    (every,) = [json.loads(dmml(capsys, *base)[1])["results"]]
    jazz = json.loads(dmml(capsys, *base, "--filter", "genre=jazz", "--filter=tempo=60..140")[1])["results"]
    others = json.loads(dmml(capsys, *base, "--not_its_artist")[1])["results"]
    assert [row["id"] for row in jazz] == [
        row["id"]
        for row in every
        if row["labels"]["genre"] == "jazz" and 60 <= float(row["labels"]["tempo"] or 0) <= 140
    ]
    assert [row["id"] for row in others] == [row["id"] for row in every if row["artist"] != "artist 1"]
    assert len(others) < len(every)


@pytest.mark.spawns
def test_search_by_track_does_not_load_tensorflow(trained):
    program = (
        "import sys; from dmml_tf.commands import search; from absl import flags; fv = flags.FlagValues(); "
        "search.define_flags(fv); fv(sys.argv); search.run(fv); sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--run", str(trained.folder), "--track", "t001"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "cos(tempo)" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "give either --track ID (one or more) or --audio FILE, or parts"),
        (["--track", "t001", "--audio", "x.wav"], "give either"),
        (["--genre_of", "t001", "--key_of", "t001"], "no condition 'key' to mix; this index has: genre, tempo, whole"),
        (["--of", "genre"], "'genre' is not of the form NAME=ID"),
        (["--track", "t001", "--filter", "key=c"], "no column 'key'"),
        (["--track", "t001", "--not", "zz"], "no track 'zz'"),
        (["--track", "t1"], "no track 't1' in the index; ids like it: "),
        (["--track", "t001", "--weights", "tempo"], "'tempo' is not of the form NAME=NUMBER"),
        (["--track", "t001", "--weights", "tempo=x"], "'x' is not a number"),
        (["--track", "t001", "--weights", "key=1"], "no condition 'key' to weigh; this index has: genre, tempo, whole"),
        (["--track", "t001", "--weights", "tempo=0"], "no weight is above 0"),
        (["--track", "t001", "-k", "0"], "k is 0"),
        (["--track", "t001", "-k", "many"], "-k"),
        (["--audio", "missing.wav"], "missing.wav: file not found"),
    ],
)
def test_bad_searches_are_one_line(trained, capsys, arguments, reason):
    status, out, error = dmml(capsys, "search", "--run", trained.folder, *arguments)
    assert status == 2 and out == "" and reason in error and error.count("\n") == 1


def test_a_run_without_an_index_says_how_to_make_one(capsys, tmp_path):
    status, _, error = dmml(capsys, "search", "--run", tmp_path, "--track", "t001")
    assert status == 2 and f"dmml index --run {tmp_path}" in error and error.count("\n") == 1


@pytest.mark.slow
def test_an_index_of_other_weights_is_not_asked_about_audio(trained, capsys, tmp_path):
    run = save_run(tmp_path / "run", trained.dataset, seed=1)
    Index.load(trained.folder / "index").save(tmp_path / "run" / "index")
    soundfile.write(tmp_path / "hum.wav", np.sin(np.arange(100_000) / 20.0), 22_050)
    status, _, error = dmml(capsys, "search", "--run", run.folder, "--audio", tmp_path / "hum.wav")
    assert status == 2 and "other weights" in error and f"dmml index --run {run.folder}" in error


def test_a_dataset_without_tracks(trained, tmp_path):
    with pytest.raises(UserError, match="no track to index"):
        index_run(trained, write_dataset(tmp_path, {"train": 0}))


@pytest.mark.parametrize("command", ["index", "export"])
def test_a_folder_that_is_no_run(capsys, tmp_path, command):
    status, _, error = dmml(capsys, command, "--run", tmp_path)
    assert status == 2 and "dmml train" in error and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_export_into_the_run(trained, capsys, tmp_path):
    status, out, _ = dmml(capsys, "export", "--run", trained.folder)
    path = trained.folder / "export" / "dmml" / "1"
    assert status == 0
    assert out.startswith(f"{path}: audio [batch, samples] at 22050 Hz, at least 3 s -> embedding, genre, tempo\n")
    assert f"docker run --rm -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 -v '{path.parent.resolve()}:" in out
    audio = np.sin(np.arange(66_150) / 20.0).astype(np.float32)[None]
    found = tf.saved_model.load(str(path)).signatures["serving_default"](audio=tf.constant(audio))
    expected = trained.embedding()(LogMel().extract(audio[0])[None], training=False).numpy()
    np.testing.assert_allclose(found["embedding"], expected, atol=1e-4)
    assert {"1", "models.config", "docker-compose.yml"} < {entry.name for entry in path.parent.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("options, name", [([], "export/dmml.onnx"), (["--out", "RUN/m.onnx"], "m.onnx")])
def test_export_to_another_format(trained, capsys, monkeypatch, options, name):
    written = []
    # Converting takes too long here; tests/dmml_tf/serving/test_portable.py does it.
    monkeypatch.setitem(export.PORTABLE, "onnx", lambda *arguments: written.append(arguments[-1]) or 2e-7)
    options = [option.replace("RUN", str(trained.folder)) for option in options]
    status, out, _ = dmml(capsys, "export", "--run", trained.folder, "--format=onnx", *options)
    assert status == 0 and written == [trained.folder / name]
    assert out == (
        f"{trained.folder / name}: log_mel [batch, 129, 128] -> embedding, genre, tempo; "
        "differs from the Keras model by 2e-07 at most\n"
    )
