"""`dmml train`, `evaluate`, `embed` and `index` on records and songs in an S3 server, against the same on this disk."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tensorflow import keras

import dmml_tf as dmml
from dmml_tf.commands.run_flag import chosen_sounds
from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.training.train import train
from tests.object_store import BUCKET, Fault, objects, send_to
from tests.synthetic import SCHEMA, tiny_config, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

pytestmark = [pytest.mark.spawns, pytest.mark.trains, pytest.mark.usefixtures("eagerly", "in_this_process")]
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("embed", "evaluate", "index", "train")]
NETWORK = {"block": "conv", "width": 2, "size": 10}
CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run, records with their table, and a table of three songs, one of which is none."""
    folder = tmp_path_factory.mktemp("place")
    dataset = write_dataset(folder / "data", {"train": 24, "valid": 12, "test": 12}, frames=300)
    keras.utils.set_random_seed(0)
    Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(dataset.folder)).save(build_embedding(**NETWORK))
    (folder / "songs").mkdir()
    for number in range(2):
        samples = np.random.default_rng(number).uniform(-0.1, 0.1, 4 * 22_050)
        soundfile.write(folder / "songs" / f"{number}.wav", samples, 22_050)
    (folder / "songs" / "text.wav").write_text("no sound")
    (folder / "songs" / "table.csv").write_text("track_id,path,artist\ns0,0.wav,A\nx,text.wav,B\ns1,1.wav,B\n")
    return folder


@pytest.fixture
def bucket(store, place):
    """The records below `data/` and the songs below `songs/`; gives the proxy."""
    for folder in ("data", "songs"):
        for path in (place / folder).iterdir():
            send_to(store)("PUT", f"/music/{folder}/{path.name}", path.read_bytes())
    return store


def called(capsys, place: Path, name: str, *arguments) -> tuple[int, str, str]:
    capsys.readouterr()
    return dispatch("dmml", "", COMMANDS, [name, f"--run={place / 'run'}", *map(str, arguments)]), *capsys.readouterr()


def test_records_at_an_address_train_and_score_as_those_of_a_folder(bucket, place, tmp_path):
    config = tiny_config()
    config.train.update({"steps": 4, "steps_per_epoch": 2})
    bucket.faults.append(Fault("GET", ".tfrecord", "cut", times=1))
    here = train(config, place / "data", tmp_path / "here")
    there = train(config, f"{BUCKET}/data", tmp_path / "there")
    for ours, theirs in zip(here.embedding().get_weights(), there.embedding().get_weights()):
        np.testing.assert_allclose(theirs, ours, atol=1e-6)
    assert there.dataset == f"{BUCKET}/data" and train(config, f"{BUCKET}/data/", tmp_path / "there").dataset
    data = dmml.Dataset.load(there.records())
    model = dmml.load(tmp_path / "there")
    assert model.embed_split(data, "test").ids == model.embed_split(place / "data", "test").ids


def test_embeddings_of_songs_at_an_address_are_put_at_one(bucket, place, capsys, tmp_path):
    songs, out = f"{BUCKET}/songs", f"{BUCKET}/vectors/songs.parquet"
    status, said, _ = called(
        capsys, place, "embed", f"--manifest={songs}/table.csv", f"--out={out}", "--workers=1", f"--audio_root={songs}"
    )
    assert status == 0 and said.startswith(f"{out}: 2 tracks of 10 numbers") and "1 rows could not be used" in said
    assert (
        called(
            capsys, place, "embed", f"--manifest={place / 'songs' / 'table.csv'}", f"--out={tmp_path / 'songs.parquet'}"
        )[0]
        == 0
    )
    found = {key.removeprefix("vectors/"): content for key, content in objects(bucket).items() if "vectors/" in key}
    assert set(found) == {"songs.parquet", "songs.parquet.rejected.csv"}
    (tmp_path / "theirs.parquet").write_bytes(found["songs.parquet"])
    ours, theirs = (pq.read_table(tmp_path / name).to_pylist() for name in ("songs.parquet", "theirs.parquet"))
    assert [row["id"] for row in theirs] == ["s0", "s1"] and theirs == ours

    status, said, _ = called(capsys, place, "index", f"--embeddings={out}")
    assert status == 0 and "2 tracks, 10 numbers each" in said

    # A later one that rejects nothing leaves no list of rejects behind.
    send_to(bucket)("PUT", "/music/songs/table.csv", b"track_id,path,artist\ns0,0.wav,A\n")
    assert called(capsys, place, "embed", f"--manifest={songs}/table.csv", f"--out={out}", "--workers=1")[0] == 0
    assert "vectors/songs.parquet.rejected.csv" not in objects(bucket)


def test_records_at_an_address_are_embedded_and_indexed(bucket, place, capsys, tmp_path):
    out = tmp_path / "records.parquet"
    status, said, error = called(capsys, place, "embed", f"--data={BUCKET}/data", f"--out={out}")
    assert status == 0 and f"{out}: 48 tracks" in said and "shards fetched" in error
    bucket.requests.clear()
    status, said, error = called(capsys, place, "index", f"--data={BUCKET}/data")
    assert status == 0 and "48 tracks" in said and "shards fetched" not in error
    assert not any(".tfrecord" in path for _, path in bucket.requests)


def test_an_embedding_goes_on_after_the_store_fell_silent(bucket, place, capsys):
    arguments = (f"--manifest={BUCKET}/songs/table.csv", f"--out={BUCKET}/vectors/songs.parquet", "--workers=1")
    bucket.faults += [Fault("GET", "/1.wav", "busy", times=99), Fault("HEAD", "/music/songs", "busy", times=99)]
    status, _, error = called(capsys, place, "embed", *arguments)
    assert status == 2 and "/songs/1.wav: the store failed" in error and "does not answer for its folder" in error
    bucket.faults.clear()
    assert called(capsys, place, "embed", *arguments)[0] == 0
    assert "vectors/songs.parquet" in objects(bucket)


@pytest.mark.parametrize(
    "name, arguments, said",
    [
        ("embed", f"--data={BUCKET}/none --out=x.parquet", f"{BUCKET}/none/dataset.json: not found; build one"),
        ("embed", "--data=s3://nobucket/x --out=x.parquet", "s3://nobucket/x/dataset.json: there is no such bucket"),
        ("embed", f"--manifest={BUCKET}/songs/none.csv --out=x.parquet", "songs/none.csv: there is no such object"),
        ("embed", f"--manifest={BUCKET}/songs/table.csv --out=s3://nobucket/x.parquet", "there is no such bucket"),
        (
            "embed",
            f"--audio={BUCKET}/songs --out=x.parquet",
            f"--audio {BUCKET}/songs: is an address, and only a folder",
        ),
        ("evaluate", "--data=s3://me:word@music/data", "holds a password or a signature"),
        ("train", f"--data={BUCKET}/data --config=demo --run={BUCKET}/run", f"--run {BUCKET}/run: is an address"),
    ],
)
def test_bad_input_is_one_line(bucket, place, capsys, tmp_path, monkeypatch, name, arguments, said):
    monkeypatch.chdir(tmp_path)
    status, _, error = called(capsys, place, name, *arguments.split())
    assert status == 2 and said in error and error.count("\n") == 1 and "me:word" not in error


def test_songs_that_lie_at_an_address_are_not_played(bucket, place):
    table = b"track_id,title,artist,split,duration,path\na,,,train,4.0,s3://music/songs/0.wav\n"
    send_to(bucket)("PUT", "/music/data/tracks.csv", table)

    class Flags(dict):
        __getattr__ = dict.__getitem__

    sound = chosen_sounds(Flags(run=str(place / "run"), library=None, data=f"{BUCKET}/data"))
    with pytest.raises(UserError, match=r"^a: its audio is at s3://music/songs/0.wav; copy it"):
        sound("a")
