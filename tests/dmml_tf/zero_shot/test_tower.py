"""The tag tower on disk and in NumPy."""

import json

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.spaces import unit
from dmml_tf.zero_shot.tower import ARRAYS_FILE, NAMES_FILE, TagTower
from tests.made_tower import CONDITIONS, made_tower
from tfrecords_tools.errors import UserError


def test_it_is_the_dense_layer():
    tower, layer = made_tower(), keras.layers.Dense(10)
    vectors = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    expected = layer(vectors)
    layer.set_weights([tower.kernel, tower.bias])
    expected = np.asarray(layer(vectors))
    np.testing.assert_allclose(tower.embed(vectors), expected, atol=1e-5)
    np.testing.assert_allclose(tower.in_space(vectors, CONDITIONS, "mood"), unit(expected[:, 6:]), atol=1e-5)
    together = Conditions([SharedTag("mood", width=0)])
    np.testing.assert_allclose(tower.in_space(vectors, together, "mood"), unit(expected), atol=1e-5)


def test_what_is_saved_is_read_back(tmp_path):
    tower = made_tower(source={"kind": "words", "file": "v.txt", "sha256": "ab"}, lacking=[("mood", "calm")])
    tower.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAMES_FILE, ARRAYS_FILE]
    again = TagTower.load(tmp_path)
    for name in ("kernel", "bias"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tower, name))
    for column in tower.tags:
        np.testing.assert_array_equal(again.vectors.columns[column], tower.vectors.columns[column])
    assert (again.tags, again.held_out) == (tower.tags, tower.held_out)
    assert again.vectors.source == tower.vectors.source
    assert again.vectors.known("mood").tolist() == [False, True, True]


def other_tags(folder):
    content = json.loads((folder / NAMES_FILE).read_text())
    content["tags"]["genre"].append("polka")
    (folder / NAMES_FILE).write_text(json.dumps(content))


def pickled(folder):
    np.savez(folder / ARRAYS_FILE, kernel=np.array([{}], object), bias=np.zeros(1), vectors=np.zeros((1, 1)))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda folder: (folder / NAMES_FILE).unlink(), "zero_shot.json: not found; the run has no tag tower"),
        (lambda folder: (folder / ARRAYS_FILE).unlink(), "zero_shot.npz: not found"),
        (lambda folder: (folder / NAMES_FILE).write_text("[]"), "zero_shot.json: cannot be read"),
        (lambda folder: (folder / ARRAYS_FILE).write_bytes(b"no zip"), "zero_shot.npz: cannot be read"),
        (
            lambda folder: (folder / ARRAYS_FILE).write_bytes((folder / ARRAYS_FILE).read_bytes()[:200]),
            "cannot be read",
        ),
        (other_tags, "do not belong together"),
        (pickled, "zero_shot.npz: cannot be read .*allow_pickle"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path, damage, message):
    made_tower().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(UserError, match=message):
        TagTower.load(tmp_path)
