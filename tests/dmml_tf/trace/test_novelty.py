"""Foote's novelty against its definition, written out."""

import numpy as np
import pytest

from dmml_tf.trace.novelty import boundaries, checkerboard, flat_path, novelty, self_similarity


def unit_rows(count: int, size: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def parts(*lengths: int) -> np.ndarray:
    """A song that is at right angles to itself from part to part."""
    return np.repeat(np.eye(len(lengths)), lengths, axis=0)


def test_similarity_is_the_cosine_of_every_pair():
    vectors = unit_rows(7, 3)
    expected = [[float(np.dot(a, b)) for b in vectors] for a in vectors]
    np.testing.assert_allclose(self_similarity(vectors), expected, atol=1e-6)


@pytest.mark.parametrize("size", [2, 8, 10])
def test_kernel_by_its_definition(size):
    middle, weights = (size - 1) / 2, {}
    for k in range(size):
        for m in range(size):
            distance = ((k - middle) ** 2 + (m - middle) ** 2) / (size / 2) ** 2
            weights[k, m] = np.exp(-0.5 * distance / 0.5**2)
    inside = sum(w for (k, m), w in weights.items() if (k < size / 2) == (m < size / 2))
    across = sum(w for (k, m), w in weights.items() if (k < size / 2) != (m < size / 2))
    kernel = checkerboard(size)
    for (k, m), weight in weights.items():
        expected = weight / inside if (k < size / 2) == (m < size / 2) else -weight / across
        assert kernel[k, m] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [0, 3, -2])
def test_a_kernel_needs_two_equal_sides(size):
    with pytest.raises(ValueError, match="even number"):
        checkerboard(size)


@pytest.mark.parametrize("size", [2, 4, 10])
def test_novelty_by_brute_force(size):
    similarity = self_similarity(unit_rows(24, 3))
    kernel, half, expected = checkerboard(size), size // 2, np.zeros(24)
    for i in range(half, 24 - half):
        for k in range(size):
            for m in range(size):
                expected[i] += kernel[k, m] * similarity[i - half + k, i - half + m]
    np.testing.assert_allclose(novelty(similarity, size), expected, atol=1e-9)


def test_novelty_is_one_where_right_angles_meet_and_zero_in_a_song_that_stays():
    values = novelty(self_similarity(parts(20, 15)), 8)
    assert values[20] == pytest.approx(1.0) and values.argmax() == 20
    assert np.abs(novelty(self_similarity(parts(30)), 8)).max() < 1e-9


@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_songs_shorter_than_the_kernel_have_no_novelty_and_no_boundary(count):
    values = novelty(self_similarity(unit_rows(count, 3)), 10)
    assert values.shape == (count,) and not values.any() and not len(boundaries(values))


def test_boundaries_are_the_joins():
    values = novelty(self_similarity(parts(20, 15, 18)), 8)
    assert boundaries(values, 0.5, 8).tolist() == [20, 35]
    assert boundaries(values, 1.5, 8).tolist() == []


def test_of_close_peaks_the_highest_is_the_boundary():
    values = np.zeros(40)
    values[[10, 12, 30]] = (0.6, 0.9, 0.5)
    assert boundaries(values, 0.2, 10).tolist() == [12, 30]


def test_a_path_keeps_distances_of_vectors_in_a_plane():
    flat = np.random.default_rng(1).normal(size=(12, 2))
    turned = flat @ np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))[0][:2]
    path = flat_path(turned)
    distances = [np.linalg.norm(a[:, None] - a[None], axis=2) for a in (flat, path)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e-9)
    assert (path[np.abs(path).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_path_of_one_point_stays_there(count):
    assert not flat_path(np.ones((count, 4))).any() and flat_path(np.ones((count, 1))).shape == (count, 2)
