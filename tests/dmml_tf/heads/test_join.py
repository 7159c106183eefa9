"""A body and a tower side by side: the embedding is that of both, number by number."""

import json

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.cli import main
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.heads.join import join_tower, require_beside
from dmml_tf.heads.parts import body_part
from dmml_tf.heads.train import HeadsPlan, train_heads_on_body
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN

NARROW = (2, 1, 1, 1, 1, 1, 1)
GENRE, TEMPO, TRACK = (
    SharedTag("genre", width=6),
    Within("tempo", 5.0, width=4),
    SameTrack("track", weight=0.5, width=0),
)
BODY = {"block": "conv", "width": NARROW, "size": 6, "offset": False}
TOWER = {**BODY, "size": 4, "tower_size": 4, "tower_width": NARROW}


def make_run(folder, conditions, network, features=PAPER_CHAIN, seed=1, **fields) -> Run:
    """A run that was not trained, but whose normalisations have seen something."""
    keras.utils.set_random_seed(seed)
    made = build_embedding(**network, features=features)
    made(np.random.default_rng(seed).uniform(0, 2, (5, 129, 128)).astype(np.float32), training=True)
    schema = write_dataset(folder.parent / "data", {"train": 10, "valid": 4}, frames=500).schema
    run = Run(folder, Conditions(conditions), network, features, schema, str(folder.parent / "data"), **fields)
    run.save(made)
    (folder / "config.json").write_text(json.dumps({"seed": seed}))
    return run


@pytest.fixture
def body(tmp_path):
    return make_run(tmp_path / "body", [GENRE, TRACK], BODY)


@pytest.mark.slow
def test_the_embedding_is_that_of_the_body_then_that_of_the_tower(body, tmp_path):
    tower = make_run(tmp_path / "tower", [TEMPO, TRACK], TOWER, seed=2)
    run, network = join_tower(body, body.embedding(), tower)
    assert run.conditions == Conditions([GENRE, TEMPO, TRACK]) and run.name == body.name
    assert run.network == {**BODY, "size": 10, "tower_size": 4, "tower_width": NARROW}
    x = np.random.default_rng(9).uniform(0, 2, (7, 129, 128)).astype(np.float32)
    apart = np.concatenate([np.asarray(part.embedding()(x)) for part in (body, tower)], axis=1)
    np.testing.assert_allclose(np.asarray(network(x)), apart, atol=1e-5)
    assert np.ptp(apart, axis=0).min() > 0


@pytest.mark.slow
def test_a_network_that_is_no_tower_or_does_not_fit_is_one_line(body, tmp_path):
    whole = make_run(tmp_path / "whole", [TEMPO], {**BODY, "size": 4})
    with pytest.raises(UserError, match="its network is no tower; train it with --config pretrained_tempo"):
        require_beside(body, whole)
    tower = make_run(tmp_path / "tower", [TEMPO], TOWER)
    with pytest.raises(UserError, match="its network has a tower already"):
        require_beside(tower, tower)
    other = make_run(tmp_path / "other", [TEMPO], {**TOWER, "block": "inception"})
    with pytest.raises(UserError, match="its network has block inception, that of .*body has conv"):
        require_beside(body, other)
    same = make_run(tmp_path / "same", [SharedTag("genre", width=4)], TOWER)
    with pytest.raises(UserError, match="has a sub-space 'genre', and so has"):
        require_beside(body, same)
    late = make_run(tmp_path / "late", [TEMPO], TOWER, norm_order="norm_then_mask")
    with pytest.raises(UserError, match="was trained on other records or in another order"):
        require_beside(body, late)


@pytest.mark.trains
def test_heads_are_trained_on_the_body_and_the_tower_stays_as_it_is(body, tmp_path, capsys):
    tower = make_run(tmp_path / "tower", [TEMPO], TOWER, seed=2)
    dataset, plan = write_dataset(tmp_path / "data", {"train": 10, "valid": 4}, frames=500), HeadsPlan(3, 6, 2, 40)
    run = train_heads_on_body(body, dataset, tmp_path / "run", plan, tower)
    assert run.conditions == Conditions([GENRE, TEMPO, TRACK]) == Run.load(tmp_path / "run").conditions
    x = np.random.default_rng(9).uniform(0, 2, (7, 129, 128)).astype(np.float32)
    features = (np.asarray(body_part(part, ["dense"])(x)) for part in (run.embedding(), body.embedding()))
    np.testing.assert_allclose(*features, atol=1e-6)
    vectors, own, tempo = (np.asarray(part.embedding()(x)) for part in (run, body, tower))
    np.testing.assert_allclose(vectors[:, 6:], tempo, atol=1e-5)
    assert (np.abs(vectors[:, :6] - own) > 1e-3).any()
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    assert written["seed"] == 1 and written["tower"] == {"seed": 2}
    assert written["heads"]["tower_sha256"] == tower.weights_sha256() != written["heads"]["body_sha256"]
    with pytest.raises(UserError, match="is the folder of the tower itself"):
        train_heads_on_body(body, dataset, tmp_path / "tower", plan, tower)
    line = ["heads", f"--data={tmp_path / 'data'}", "--steps=1", f"--run={tmp_path / 'b'}", f"--tower={tower.folder}"]
    assert main([*line, f"--musicnn={tmp_path / 'm.npz'}"]) == 2
    assert "--tower stands beside a body; name that with --body" in capsys.readouterr().err
