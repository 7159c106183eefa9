"""Tags learned directly: targets, loss and graph against NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.forms import tag_targets
from dmml_tf.training.losses import TagCrossentropy
from dmml_tf.training.objectives.classes import HEADS, build_tag_model
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions([SharedTag("genre", width=2), SharedTag("mood", width=3)])
IDS = np.array([[0, 2], [1, -1], [-1, -1], [-1, 2]], np.int32)


def embedding():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(5)(inputs))


def test_targets():
    found = tag_targets(IDS, 3)
    assert found.tolist() == [[1, 0, 1], [0, 1, 0], [-1, -1, -1], [0, 0, 1]] and found.dtype == np.float32


def test_loss_is_the_mean_over_tagged_rows():
    logits = np.random.default_rng(0).normal(0, 3, (4, 3)).astype(np.float32)
    share = 1 / (1 + np.exp(-logits.astype(np.float64)))
    expected = [
        np.mean([-np.log(p if t else 1 - p) for p, t in zip(ps, ts)])
        for ps, ts in zip(share, tag_targets(IDS, 3))
        if ts[0] >= 0
    ]
    assert float(TagCrossentropy()(tag_targets(IDS, 3), logits)) == pytest.approx(np.mean(expected), abs=1e-5)
    assert float(TagCrossentropy()(tag_targets(IDS[2:3], 3), logits[:1])) == 0.0


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("widths", [(2, 3), (0, 0)])
def test_logits_are_unit_vectors_times_proxies(head, widths):
    conditions = Conditions([SharedTag(c.name, width=w) for c, w in zip(CONDITIONS, widths)])
    network, x = embedding(), np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    model = build_tag_model(network, conditions, {"genre": 3, "mood": 7}, head)
    found, vectors = model({"windows": x}), np.asarray(network(x)).astype(np.float64)
    for name, count in (("genre", 3), ("mood", 7)):
        seen = vectors[:, conditions.subspaces.get(name, slice(0, 5))]
        (proxies,) = model.get_layer(name).get_weights()
        assert proxies.shape == (seen.shape[1], count)
        for n, z in np.ndindex(6, count):
            expected = seen[n] / np.linalg.norm(seen[n]) @ proxies[:, z]
            assert float(found[name][n, z]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.trains
def test_fit_separates_tags_in_the_embedding():
    keras.utils.set_random_seed(0)
    network = embedding()
    model = build_tag_model(network, CONDITIONS, {"genre": 2, "mood": 2})
    model.compile(
        keras.optimizers.Adam(0.05),
        loss={name: TagCrossentropy() for name in CONDITIONS.names},
        loss_weights={"genre": 1.0, "mood": 0.5},
        jit_compile=False,
    )
    rng = np.random.default_rng(0)
    tags = rng.integers(2, size=(64, 2))
    x = np.column_stack([2.0 * tags - 1, rng.normal(size=(64, 2))]).astype(np.float32)
    targets = {name: tag_targets(tags[:, [n]], 2) for n, name in enumerate(CONDITIONS.names)}
    targets["mood"][::2] = -1.0
    stream = tf.data.Dataset.from_tensors(({"windows": x}, targets)).repeat(40)
    losses = model.fit(stream, epochs=2, verbose=0).history["loss"]
    assert losses[1] < 0.8 * losses[0]
    genre = np.asarray(network(x))[:, :2]
    genre = genre / np.linalg.norm(genre, axis=1, keepdims=True)
    cosine, same = genre @ genre.T, tags[:, :1] == tags[:, 0]
    assert cosine[same].mean() > cosine[~same].mean() + 0.3


@pytest.mark.parametrize(
    "conditions, head, said",
    [
        (CONDITIONS, "softmax", "unknown head 'softmax'; known are: proxy, classification"),
        (Conditions([Within("tempo")]), "proxy", "condition 'tempo' has none"),
        (Conditions([SharedTag("era")]), "proxy", "condition 'era' has none"),
        (Conditions([SharedTag("genre", width=4)]), "proxy", "add up to 4, the embedding has 5"),
    ],
)
def test_bad_arguments(conditions, head, said):
    with pytest.raises(UserError, match=said):
        build_tag_model(embedding(), conditions, {"genre": 2, "mood": 2, "tempo": 1}, head)
