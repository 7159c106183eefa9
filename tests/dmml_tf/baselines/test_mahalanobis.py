"""The Mahalanobis metric: gradient by differences, the projection, and what it learns."""

import numpy as np
import pytest

from dmml_tf.baselines import mahalanobis
from dmml_tf.baselines.mahalanobis import fit_mahalanobis, hinge, positive_semidefinite
from dmml_tf.evaluation.accuracy import triplet_accuracy


def case(seed: int = 0, features: int = 5, tracks: int = 60, count: int = 500):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(tracks, features)), rng.integers(tracks, size=(count, 3))


def random_metric(size: int = 5, seed: int = 1) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(size, size)) / size
    return root @ root.T


def test_the_loss_equals_a_loop(monkeypatch):
    monkeypatch.setattr(mahalanobis, "_CHUNK", 77)
    vectors, triplets = case()
    metric = random_metric()
    expected = [
        max(
            0.0,
            1.0
            + (vectors[a] - vectors[p]) @ metric @ (vectors[a] - vectors[p])
            - (vectors[a] - vectors[n]) @ metric @ (vectors[a] - vectors[n]),
        )
        for a, p, n in triplets
    ]
    assert hinge(metric, vectors, triplets)[0] == pytest.approx(np.mean(expected))


def test_the_gradient_equals_differences():
    vectors, triplets = case()
    metric = random_metric()
    gradient, tiny = hinge(metric, vectors, triplets)[1], 1e-6
    for i, j in ((0, 0), (1, 3), (4, 2)):
        bump = np.zeros((5, 5))
        bump[i, j] = tiny
        slope = (hinge(metric + bump, vectors, triplets)[0] - hinge(metric - bump, vectors, triplets)[0]) / (2 * tiny)
        assert gradient[i, j] == pytest.approx(slope, abs=1e-4)


def test_the_projection_is_the_nearest_psd_matrix():
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(4, 4))
    matrix = matrix + matrix.T
    found = positive_semidefinite(matrix)
    assert np.linalg.eigvalsh(found).min() > -1e-12 and np.linalg.eigvalsh(matrix).min() < 0
    distance = np.linalg.norm(found - matrix)
    for seed in range(200):
        other = found + 0.3 * random_metric(4, seed) - 0.1 * found
        assert distance <= np.linalg.norm(positive_semidefinite(other) - matrix) + 1e-12
    np.testing.assert_allclose(positive_semidefinite(random_metric(4)), random_metric(4), atol=1e-12)


def told_by_one_feature(count: int = 1500):
    """Triplets that only feature 2 decides."""
    vectors, drawn = case(7, features=8, tracks=150, count=count)
    near = np.abs(vectors[drawn[:, 0], 2] - vectors[drawn[:, 1], 2])
    far = np.abs(vectors[drawn[:, 0], 2] - vectors[drawn[:, 2], 2])
    drawn[near > far] = drawn[near > far][:, [0, 2, 1]]
    return vectors, drawn[np.abs(near - far) > 0.1]


def test_it_finds_the_feature_that_decides():
    vectors, triplets = told_by_one_feature()
    learned = fit_mahalanobis(vectors, triplets, steps=80)
    weights = np.diag(learned @ learned.T)
    assert weights.argmax() == 2 and weights[2] > 10 * np.delete(weights, 2).max()
    before, after = (triplet_accuracy(space, triplets, rounds=1).value for space in (vectors, vectors @ learned))
    assert before < 0.8 and after > 0.95


def test_no_random_metric_has_a_lower_objective():
    vectors, triplets = told_by_one_feature(600)
    vectors = vectors / np.sqrt(np.square(vectors).sum(axis=1).mean())
    learned = fit_mahalanobis(vectors, triplets, steps=150, pull=0.01)

    def objective(metric: np.ndarray) -> float:
        return hinge(metric, vectors, triplets)[0] + 0.005 * np.square(metric - np.eye(8)).sum()

    best = objective(learned @ learned.T)
    assert best < objective(np.eye(8)) - 0.1
    for seed in range(100):
        assert best <= objective(learned @ learned.T + 0.2 * random_metric(8, seed)) + 1e-9
        assert best <= objective((learned @ learned.T) * np.random.default_rng(seed).uniform(0.7, 1.3)) + 1e-3


def test_scaled_features_give_the_same_order_and_a_constant_one_is_harmless():
    vectors, triplets = told_by_one_feature(300)
    first, second = (fit_mahalanobis(vectors * factor, triplets, 20) * factor for factor in (1.0, 50.0))
    np.testing.assert_allclose(first @ first.T, second @ second.T, rtol=1e-6, atol=1e-9)
    assert np.isfinite(fit_mahalanobis(np.zeros((5, 3)), np.array([[0, 1, 2]]), 5)).all()
