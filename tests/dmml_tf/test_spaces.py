"""The NumPy spaces: unit length, the two norm orders, and the search vector's promise."""

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.spaces import condition_masks, project, search_vectors, unit

CONDITIONS = Conditions([SharedTag("a", width=3), Within("b", width=5), SameTrack("all", width=0)])


@pytest.fixture
def vectors():
    found = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    found[2] = 0.0
    found[3, :3] = 0.0  # one silent sub-space
    return found


def test_unit_agrees_with_tensorflow(vectors):
    np.testing.assert_allclose(unit(vectors), tf.math.l2_normalize(vectors, axis=-1), atol=1e-6)
    assert (unit(vectors)[2] == 0.0).all()
    np.testing.assert_allclose(np.linalg.norm(unit(vectors[[0, 1, 3, 4, 5]]), axis=1), 1.0, atol=1e-6)


def test_unit_of_tiny_vectors_is_finite():
    assert np.isfinite(unit(np.full((2, 4), 1e-30, np.float32))).all()


@pytest.mark.parametrize("row", range(3))
def test_project_mask_then_norm(vectors, row):
    mask = CONDITIONS.masks(8)[row]
    for vector, projected in zip(vectors, project(vectors, mask)):
        masked = [v * m for v, m in zip(vector, mask)]
        length = sum(float(v) ** 2 for v in masked) ** 0.5
        np.testing.assert_allclose(projected, [v / length if length else 0.0 for v in masked], atol=1e-6)


@pytest.mark.parametrize("row", range(3))
def test_project_norm_then_mask(vectors, row):
    mask = CONDITIONS.masks(8)[row]
    for vector, projected in zip(vectors, project(vectors, mask, "norm_then_mask")):
        length = sum(float(v) ** 2 for v in vector) ** 0.5
        np.testing.assert_allclose(
            projected, [v / length * m if length else 0.0 for v, m in zip(vector, mask)], atol=1e-6
        )


def test_one_inner_product_answers_every_weighting(vectors):
    rng, stored = np.random.default_rng(1), search_vectors(vectors, CONDITIONS)
    for weights in rng.uniform(0, 3, size=(5, 2)):
        query = stored.copy()
        for weight, owned in zip(weights, CONDITIONS.subspaces.values()):
            query[:, owned] *= weight
        expected = sum(
            w * unit(vectors[:, s]) @ unit(vectors[:, s]).T for w, s in zip(weights, CONDITIONS.subspaces.values())
        )
        np.testing.assert_allclose(query @ stored.T, expected, atol=1e-5)


def test_without_subspaces_the_whole_is_one_slice(vectors):
    found = search_vectors(vectors, Conditions([SameTrack("track", width=0)]))
    np.testing.assert_allclose(found, unit(vectors))
    assert found.dtype == np.float32


def test_each_condition_with_a_subspace_has_its_mask_fixed_or_learned():
    fixed = condition_masks(CONDITIONS, None, 8)
    assert {name: mask.tolist() for name, mask in fixed.items()} == {"a": [1] * 3 + [0] * 5, "b": [0] * 3 + [1] * 5}
    learned = np.arange(24, dtype=np.float32).reshape(3, 8)
    found = condition_masks(CONDITIONS, learned, 8)
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["b"], learned[1])
    assert condition_masks(Conditions([SharedTag("a", width=0)]), None, 8) == {}
