"""Krippendorff's alpha beside pairs counted one by one, and beside the package of that name."""

import itertools

import numpy as np
import pytest

from dmml_tf.evaluation.alpha import alpha


def by_pairs(counts) -> float:
    """Every pair of answers to one triplet, and every pair of all answers, looked at one by one."""
    units = [np.repeat(range(len(row)), row.astype(int)).tolist() for row in counts if row.sum() > 1]
    values = [answer for unit in units for answer in unit]
    observed = sum(sum(a != b for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(
        values
    )
    pairs = list(itertools.permutations(values, 2))
    return 1 - observed / (sum(a != b for a, b in pairs) / len(pairs))


@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_pairs_give(seed):
    rng = np.random.default_rng(seed)
    liked = rng.integers(4, size=15)
    answers = np.where(rng.random((15, 5)) < 0.6, liked[:, None], rng.integers(4, size=(15, 5)))
    counts = np.stack([(answers == k).sum(axis=1) for k in range(4)], axis=1)
    counts[0] = (0, 1, 0, 0)  # heard by one alone
    assert float(alpha(counts)) == pytest.approx(by_pairs(counts), abs=1e-12)
    twice = alpha(counts, np.array([np.ones(15), np.full(15, 7.0), rng.integers(3, size=15)]))
    assert twice[:2] == pytest.approx([float(alpha(counts))] * 2) and twice.shape == (3,)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_package_gives(seed):
    krippendorff = pytest.importorskip("krippendorff")
    counts = np.random.default_rng(seed).integers(4, size=(20, 4))
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert float(alpha(counts)) == pytest.approx(theirs, abs=1e-12)


def test_a_weight_of_two_is_near_a_triplet_twice():
    counts = np.random.default_rng(0).integers(5, size=(400, 4))
    weights = np.random.default_rng(1).integers(1, 4, 400)
    assert float(alpha(counts, weights)) == pytest.approx(float(alpha(np.repeat(counts, weights, axis=0))), abs=2e-3)


def test_all_alike_and_none_alike():
    assert float(alpha(np.array([[3, 0], [0, 2]]))) == 1.0
    assert float(alpha(np.array([[1, 1], [1, 1]]))) < 0
    for nothing in (np.zeros((0, 4)), np.array([[1, 0], [0, 1]]), np.array([[2, 0], [5, 0]])):
        assert np.isnan(alpha(nothing))
    assert np.isnan(alpha(np.array([[3, 0], [0, 2]]), np.zeros(2)))
