"""The run folder: round trip, damage, missing pieces."""

import json

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import EMBEDDING_FILE, MODEL_FILE, WEIGHTS_FILE, Run, weight_bytes
from tests.synthetic import SCHEMA
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

NETWORK = {"block": "conv", "width": (2, 1, 1, 1, 1, 1, 1), "size": 6}
CONDITIONS = Conditions([SharedTag("genre", width=4), Within("tempo", 5, width=2)])


@pytest.fixture(scope="module")
def network():
    return build_embedding(**NETWORK)


@pytest.fixture
def saved(network, tmp_path):
    run = Run(tmp_path / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, "data/mine", "norm_then_mask", name="category")
    run.save(network)
    return run


def test_round_trip(saved, network):
    again = Run.load(str(saved.folder))
    for name in ("folder", "conditions", "features", "schema", "dataset", "norm_order", "name"):
        assert getattr(again, name) == getattr(saved, name), name
    assert {**again.network, "width": tuple(again.network["width"])} == NETWORK
    x = np.random.default_rng(0).uniform(0, 1, (2, 129, 128)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again.embedding()(x)), np.asarray(network(x)), atol=1e-6)
    assert sorted(p.name for p in saved.folder.iterdir()) == sorted([EMBEDDING_FILE, MODEL_FILE, WEIGHTS_FILE])


def test_a_run_of_before_runs_had_names_is_called_as_all_were(saved):
    path = saved.folder / MODEL_FILE
    old = {key: value for key, value in json.loads(path.read_text(encoding="utf-8")).items() if key != "name"}
    path.write_text(json.dumps(old), encoding="utf-8")
    assert Run.load(saved.folder).name == "disentangled_track"


def test_an_unfinished_run_is_none(tmp_path, network, monkeypatch):
    run = Run(tmp_path, CONDITIONS, NETWORK, LogMel(), SCHEMA, "data/mine")

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dmml_tf.run.write_json", full)
    with pytest.raises(OSError):
        run.save(network)
    with pytest.raises(UserError, match="not found; train a model first: dmml train"):
        Run.load(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "norm_order"}),
        lambda text: json.dumps({**json.loads(text), "features": {"hop_size": 1}}),
        lambda text: json.dumps(
            {**json.loads(text), "conditions": [{"name": "genre", "kind": "shared_tag", "mask": 1}]}
        ),
        lambda text: json.dumps({**json.loads(text), "conditions": 3}),
        lambda text: json.dumps({**json.loads(text), "tags": ["genre"]}),
    ],
    ids=["half", "empty", "list", "null", "no norm_order", "features", "condition", "conditions", "tags"],
)
def test_a_malformed_model_file_is_one_line(saved, damage):
    path = saved.folder / MODEL_FILE
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read .*train the run again") as caught:
        Run.load(saved.folder)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_one_line(saved):
    (saved.folder / MODEL_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        Run.load(saved.folder)


@pytest.mark.parametrize("damage", ["missing", "cut", "other network"])
def test_weights_that_do_not_fit_are_one_line(saved, damage):
    path = saved.folder / WEIGHTS_FILE
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    else:
        build_embedding(**{**NETWORK, "width": (3, 1, 1, 1, 1, 1, 1)}).save_weights(str(path))
    with pytest.raises(UserError, match="cannot be read .*train the run again") as caught:
        Run.load(saved.folder).embedding()
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_weight_bytes_count_every_number():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Dense(5)(inputs)))
    assert weight_bytes(model) == 4 * (3 * 5 + 5 + 4 * 5)
