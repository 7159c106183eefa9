"""Half the bits: what computes in them, and that the run is of float32."""

import csv

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import EMBEDDING_FILE, Run
from dmml_tf.training.precision import training_form
from dmml_tf.training.train import train
from tests.synthetic import tiny_config, write_dataset
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.trains
MIXED = ("mixed_bfloat16", "mixed_float16")
TINY = {"block": "conv", "width": (4, 1, 1, 1, 2, 4, 8), "size": 8}


def policy(layer):
    found = getattr(layer, "dtype_policy", None)
    return getattr(found, "name", found)


@pytest.mark.parametrize("precision", MIXED)
def test_the_body_computes_in_half_the_bits_and_the_rest_does_not(precision):
    plain = build_embedding(**TINY)
    mixed = training_form(plain, precision, synchronised=False)
    policies = {layer.name: policy(layer) for layer in mixed.layers}
    assert policies["embedding"] == "float32" and policies["stem"] == policies["dense"] == precision
    assert all(policy(layer) == "float32" for layer in mixed.layers if isinstance(layer, keras.layers.Rescaling))
    windows = np.random.default_rng(0).uniform(0, 1, (4, 129, 128)).astype(np.float32)
    vectors = mixed(windows)
    assert vectors.dtype == "float32" and vectors.shape == (4, 8)
    assert all(np.dtype(np.asarray(weight).dtype) == np.float32 for weight in mixed.get_weights())
    exact = np.asarray(plain(windows))
    off = np.abs(np.asarray(vectors) - exact).max()
    assert 0 < off < 0.05 * np.abs(exact).max()


def test_synchronised_moments_and_nothing_else():
    plain = build_embedding(**TINY)
    made = training_form(plain, "float32", synchronised=True)
    norms = [layer for layer in made.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms and all(layer.synchronized for layer in norms)
    windows = np.ones((2, 129, 128), np.float32)
    np.testing.assert_allclose(made(windows), plain(windows), atol=1e-6)
    assert training_form(plain, "float32", synchronised=False) is plain


def test_an_unknown_precision_is_one_line():
    with pytest.raises(UserError, match=r"config.train.precision 'half' is unknown; known are: float32, mixed_bf"):
        training_form(build_embedding(**TINY), "half", synchronised=False)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("small"), {"train": 16, "valid": 8, "test": 6}, frames=300)


@pytest.mark.parametrize("precision", MIXED)
def test_a_run_learns_and_is_kept_in_float32(eagerly, small, tmp_path, precision):
    config = tiny_config(steps=20, steps_per_epoch=4)
    config.batch.update({"tracks": 8, "pool": 16})
    config.train.update({"precision": precision, "validation_steps": 1})
    config.train.schedule = {"name": "cosine", "warmup": 1}
    run = train(config, small.folder, tmp_path / "run")
    with (run.folder / "history.csv").open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    # Epochs of four batches differ by a tenth without learning, and processors round these types in ways of their own.
    assert min(row["loss"] for row in rows[1:]) < 0.9 * rows[0]["loss"]
    windows = np.random.default_rng(0).uniform(0, 1, (3, 129, 128)).astype(np.float32)
    rebuilt = Run.load(run.folder).embedding()
    whole = keras.models.load_model(run.folder / EMBEDDING_FILE)
    for network in (rebuilt, whole):
        assert {policy(layer) for layer in network.layers} == {"float32"}
        vectors = network(windows)
        assert vectors.dtype == "float32" and np.isfinite(vectors).all()
    np.testing.assert_allclose(rebuilt(windows), whole(windows), atol=1e-6)
