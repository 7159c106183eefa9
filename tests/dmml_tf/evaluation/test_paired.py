"""The paired test against the single bootstraps, and against what it should say."""

import numpy as np
import pytest

from dmml_tf.evaluation.accuracy import bootstrap
from dmml_tf.evaluation.paired import Difference, paired_overall


def paired_difference(first, second, tracks, total: int, seed: int = 0, rounds: int = 1000) -> Difference | None:
    """Two systems on one condition's triplets."""
    return paired_overall([(first, second, tracks)], total, seed, rounds)


def case(count: int = 600, total: int = 40, better: float = 0.0, seed: int = 0):
    """Two systems that agree on most triplets; the first has a share `better` more of them right."""
    rng = np.random.default_rng(seed)
    tracks = rng.integers(total, size=(count, 3))
    tracks[:50, 1] = tracks[:50, 0]
    second = rng.random(count) < 0.7
    first = np.where(rng.random(count) < 0.1, rng.random(count) < 0.7, second)
    return first | (rng.random(count) < better), second, tracks, total


def test_rounds_are_differences_of_the_single_bootstraps():
    first, second, tracks, total = case(better=0.2)
    found = paired_difference(first, second, tracks, total, seed=3, rounds=300)
    rounds = bootstrap(first, tracks, total, 3, 300) - bootstrap(second, tracks, total, 3, 300)
    assert found.value == pytest.approx(first.mean() - second.mean())
    np.testing.assert_allclose([found.low, found.high], np.percentile(rounds, [2.5, 97.5]), atol=1e-12)
    below, above = (1 + (rounds <= 0).sum()) / 301, (1 + (rounds >= 0).sum()) / 301
    assert found.p == pytest.approx(2 * min(below, above)) and found.n == 600


def test_it_is_narrower_than_unpaired_intervals():
    first, second, tracks, total = case(better=0.05)
    found = paired_difference(first, second, tracks, total, rounds=400)
    alone = np.percentile(bootstrap(first, tracks, total, 0, 400), [2.5, 97.5])
    assert found.high - found.low < 0.7 * (alone[1] - alone[0])


def test_swapping_the_systems_turns_the_sign():
    first, second, tracks, total = case(better=0.1)
    there, back = (paired_difference(a, b, tracks, total, rounds=200) for a, b in ((first, second), (second, first)))
    assert there.value == -back.value and there.p == back.p
    assert there.low == pytest.approx(-back.high) and there.high == pytest.approx(-back.low)


def test_equal_systems_and_clearly_different_ones():
    first, second, tracks, total = case(better=0.9)
    assert paired_difference(first, second, tracks, total, rounds=400).p == pytest.approx(2 / 401)
    same = paired_difference(second, second, tracks, total, rounds=100)
    assert (same.value, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_by_chance_it_rarely_says_different():
    said = sum(paired_difference(*case(300, 60, seed=seed), seed=seed, rounds=150).p < 0.05 for seed in range(60))
    assert said <= 8  # 3 expected; the resampling errs to the safe side


def test_overall_is_the_mean_over_conditions_on_the_same_tracks():
    a, b = case(seed=1), case(200, better=0.3, seed=2)
    found = paired_overall([a[:3], b[:3], (np.zeros(0, bool), np.zeros(0, bool), np.zeros((0, 3), int))], 40, 5, 200)
    rounds = [bootstrap(x, t, 40, 5, 200) - bootstrap(y, t, 40, 5, 200) for x, y, t, _ in (a, b)]
    np.testing.assert_allclose([found.low, found.high], np.percentile(np.mean(rounds, axis=0), [2.5, 97.5]), atol=1e-12)
    assert found.value == pytest.approx(np.mean([x.mean() - y.mean() for x, y, _, _ in (a, b)])) and found.n == 800


def test_too_few_triplets_to_know():
    nothing = np.zeros(0, bool)
    assert paired_difference(nothing, nothing, np.zeros((0, 3), int), 5) is None
    one, other, tracks = np.array([True]), np.array([False]), np.array([[0, 1, 2]])
    missing = next(seed for seed in range(99) if np.isnan(bootstrap(one, tracks, 9, seed, 1)).all())
    lone = paired_difference(one, other, tracks, 9, missing, rounds=1)
    assert (lone.low, lone.high, lone.p) == (-1.0, 1.0, 1.0)
