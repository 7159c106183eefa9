"""Heads on features: what a batch is made of, and a training that changes the layers behind the features alone."""

import dataclasses
import json

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.cli import main
from dmml_tf.data.records import label_arrays
from dmml_tf.embed.split import label_rows
from dmml_tf.heads.parts import body_part, head_part
from dmml_tf.heads.songs import Heard
from dmml_tf.heads.train import CONDITIONS, HeadsPlan, draw_batches, train_heads, train_heads_on_body
from dmml_tf.models import musicnn
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pretrained.pack import pack
from dmml_tf.run import Run
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError

installed = pytest.mark.skipif(not musicnn.installed(), reason="the package musicnn is not installed")
PLAN = HeadsPlan(steps=3, tracks=6, windows=2, triplets=40)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), {"train": 10, "valid": 4}, frames=150)


def heard_in(dataset, counts) -> Heard:
    """Features of as many windows of each train song; their first number is the row's own."""
    offsets = np.concatenate([[0], np.cumsum(counts)])
    features = np.random.default_rng(0).normal(size=(offsets[-1], 400)).astype(np.float32)
    features[:, 0] = np.arange(offsets[-1])
    ids = [row["track_id"] for row in label_rows(dataset, "train")]
    return Heard({track: place for place, track in enumerate(ids)}, offsets, features)


def test_a_batch_has_other_windows_of_each_of_its_songs_and_triplets_that_hold(dataset):
    heard = heard_in(dataset, range(2, 12))
    rows = label_rows(dataset, "train")
    places = [heard.rows(row["track_id"]) for row in rows]
    labels = label_arrays(dataset.schema, rows)
    batches = list(draw_batches(heard.features, places, labels, PLAN, CONDITIONS))
    again = list(draw_batches(heard.features, places, labels, PLAN, CONDITIONS))
    assert len(batches) == 3
    seen = set()
    for (inputs, targets, weights), (same, _, _) in zip(batches, again):
        np.testing.assert_array_equal(inputs["windows"], same["windows"])
        number = inputs["windows"][:, 0].astype(int)
        song = np.searchsorted(heard.offsets, number, "right") - 1
        assert len(number) == len(set(number)) == 12 and sorted(np.bincount(song)[np.bincount(song) > 0]) == [2] * 6
        for (a, p, n), condition, target, weight in zip(inputs["triplets"], inputs["condition"], targets, weights):
            rule, (i, j, k) = CONDITIONS[condition], song[[a, p, n]]
            seen.add(rule.name)
            assert condition == target and weight == rule.weight
            if rule.name == "track":
                assert i == j != k and a != p
            else:
                assert rule.similar(labels, [i], [j])[0] and rule.dissimilar(labels, [i], [k])[0]
    assert seen >= {"genre", "mood", "instrument", "track"}


@installed
@pytest.mark.trains
def test_the_same_training_gives_the_same_run_which_can_be_packed(dataset, tmp_path):
    heard = heard_in(dataset, [3] * 10)
    first, second = (train_heads(dataset, heard, tmp_path / name, PLAN) for name in "ab")
    other = train_heads(dataset, heard, tmp_path / "c", dataclasses.replace(PLAN, seed=1))
    assert first.weights_sha256() == second.weights_sha256() != other.weights_sha256()
    run = Run.load(tmp_path / "a")
    assert run.conditions == CONDITIONS and run.features == dataset.features and run.name == "pretrained_musicnn"
    audio = np.random.default_rng(0).normal(0, 0.1, (2, 66_150)).astype(np.float32)
    assert np.asarray(run.embedding()(audio)).shape == (2, 256)
    assert json.loads((tmp_path / "a" / "config.json").read_text())["songs"] == 10
    packed = pack(tmp_path / "a", tmp_path / "packed")
    assert packed.cosine > 0.9999 and packed.bytes < 300_000


def test_too_few_songs_or_a_column_that_lacks_is_one_line(dataset, tmp_path):
    with pytest.raises(UserError, match="musicnn heard 4 songs of its train split for 6 s or more; 6 are needed"):
        train_heads(dataset, heard_in(dataset, [1] * 6 + [2] * 4), tmp_path / "run", PLAN)
    fewer = dataclasses.replace(dataset, schema=dataclasses.replace(dataset.schema, values=()))
    with pytest.raises(UserError, match="has no column 'tempo', which the heads learn from"):
        train_heads(fewer, heard_in(dataset, [3] * 10), tmp_path / "run", PLAN)
    assert not (tmp_path / "run").exists()


def test_the_command_hears_what_was_not_heard_yet(dataset, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("dmml_tf.commands.heads.audio_paths", lambda table: {"a": "a.wav"})
    monkeypatch.setattr("dmml_tf.commands.heads.write_heard", lambda path, paths: asked.append((path, paths)))
    monkeypatch.setattr("dmml_tf.commands.heads.read_heard", lambda path: "heard")
    made = Run(tmp_path / "run", CONDITIONS, {}, dataset.features, dataset.schema, "")
    monkeypatch.setattr("dmml_tf.commands.heads.train_heads", lambda *given: asked.append(given[1:]) or made)
    line = ["heads", f"--data={dataset.folder}", f"--musicnn={tmp_path / 'heard.npz'}", f"--run={tmp_path / 'run'}"]
    assert main([*line, "--steps=7"]) == 0 and f"{tmp_path / 'run'}: trained" in capsys.readouterr().out
    path = str(tmp_path / "heard.npz")
    assert asked == [(path, {"a": "a.wav"}), ("heard", str(tmp_path / "run"), HeadsPlan(steps=7))]
    (tmp_path / "heard.npz").touch()
    assert main(line) == 0 and len(asked) == 3


NARROW = (2, 1, 1, 1, 1, 1, 1)
TOWERS = {"one": {}, "two": {"tower_size": 64, "tower_width": NARROW}}


@pytest.mark.slow
@pytest.mark.parametrize("towers", TOWERS)
def test_the_two_parts_of_a_network_are_the_network(towers):
    keras.utils.set_random_seed(3)
    network = build_embedding("conv", NARROW, **TOWERS[towers])
    x = np.random.default_rng(0).uniform(0, 2, (5, 129, 128)).astype(np.float32)
    network(x, training=True)  # moves the normalisations' means
    features = np.asarray(body_part(network)(x))
    assert features.shape == (5, 4 + 4 * len(TOWERS[towers]) // 2)
    np.testing.assert_allclose(np.asarray(head_part(network, 0.5)(features)), np.asarray(network(x)), atol=1e-5)


def make_body(dataset, folder, **network) -> Run:
    """A run that was not trained, with a configuration as `dmml train` leaves it."""
    keras.utils.set_random_seed(4)
    fields = {"block": "conv", "width": NARROW, "size": 256, **network}
    run = Run(folder, CONDITIONS, fields, dataset.features, dataset.schema, str(dataset.folder), name="mine")
    run.save(build_embedding(**fields, features=dataset.features))
    (folder / "config.json").write_text(json.dumps({"seed": 5}))
    return run


@pytest.mark.trains
def test_heads_on_a_body_leave_the_body_as_it_is(tmp_path):
    dataset = write_dataset(tmp_path / "data", {"train": 10, "valid": 4}, frames=500)
    body = make_body(dataset, tmp_path / "body", **TOWERS["two"])
    first, second = (train_heads_on_body(body, dataset, tmp_path / name, PLAN) for name in "ab")
    for one, other in zip(first.embedding().get_weights(), second.embedding().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    run = Run.load(tmp_path / "a")
    assert run.name == "mine" and run.conditions == CONDITIONS and run.network == json.loads(json.dumps(body.network))
    x = np.random.default_rng(0).uniform(0, 2, (5, 129, 128)).astype(np.float32)
    before, after = body.embedding(), run.embedding()
    np.testing.assert_array_equal(np.asarray(body_part(before)(x)), np.asarray(body_part(after)(x)))
    for name in ("dense", "tower_dense", "embedding"):
        assert (before.get_layer(name).get_weights()[0] != after.get_layer(name).get_weights()[0]).any(), name
    written = json.loads((tmp_path / "a" / "config.json").read_text())
    assert written["seed"] == 5 and written["heads"]["songs"] == 10 and written["heads"]["steps"] == PLAN.steps
    assert written["heads"]["body_sha256"] == body.weights_sha256()


@pytest.mark.slow
def test_heads_on_a_body_refuse_its_folder_and_songs_too_short(dataset, tmp_path):
    body = make_body(dataset, tmp_path / "body")
    with pytest.raises(UserError, match="is the folder of the body itself"):
        train_heads_on_body(body, dataset, tmp_path / "body", PLAN)
    with pytest.raises(UserError, match="0 songs of its train split last 6 s or more; 6 are needed"):
        train_heads_on_body(body, dataset, tmp_path / "other", PLAN)
    (tmp_path / "body" / "config.json").unlink()
    with pytest.raises(UserError, match=r"config\.json: cannot be read .* train the run again"):
        train_heads_on_body(body, dataset, tmp_path / "other", PLAN)
    assert not (tmp_path / "other").exists()


def test_the_command_takes_either(capsys):
    assert main(["heads", "--data=d", "--run=r"]) == 2
    assert "Exactly one of (musicnn, body)" in capsys.readouterr().err
    assert main(["heads", "--data=d", "--run=r", "--body=b", "--musicnn=m"]) == 2
