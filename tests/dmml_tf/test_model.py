"""What a model gives a vector database, against sums written out."""

import numpy as np
import pytest

import dmml_tf as dmml
from tests.dmml_tf.search.made import CONDITIONS, raw_vectors


@pytest.fixture
def model():
    """A model without a network."""
    model = object.__new__(dmml.Model)
    model.conditions, model._run = CONDITIONS, None
    return model


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_the_inner_product_is_the_weighted_sum_of_cosines(model, dtype):
    vectors, weights = raw_vectors(9).astype(dtype), {"genre": 2.0, "mood": -0.5}
    stored, asked = model.search_vectors(vectors), model.search_vectors(vectors[:1], weights)
    assert stored.dtype == asked.dtype == np.float32
    expected = np.zeros(9)
    for name, weight in weights.items():
        part = vectors[:, CONDITIONS.subspaces[name]].astype(np.float64)
        lengths = np.linalg.norm(part, axis=1)
        expected += weight * (part @ part[0]) / np.maximum(lengths * lengths[0], 1e-9)
    np.testing.assert_allclose(stored @ asked[0], expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(13,), (2, 12), (1, 2, 13)])
def test_numbers_of_another_size_are_one_line(model, shape):
    with pytest.raises(dmml.UserError, match=r"songs have 13 numbers each here; these have shape"):
        model.search_vectors(np.ones(shape, np.float32))
