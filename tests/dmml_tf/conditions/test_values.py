"""Values, in octaves and out of them, against brute force."""

import numpy as np
import pytest

from dmml_tf.conditions import Within, value_distance
from dmml_tf.conditions.values import find_pairs
from tests.dmml_tf.conditions.made import TEMPO, track_labels
from tests.triplet_oracle import apart


def test_octaves_are_one_value_and_nothing_else_is():
    pairs = [
        (70, 140),
        (140, 68),
        (60, 240),
        (90, 120),
        (100, 103),
        (120, 185),
        (1, 1000),
        (0, 0),
        (0, 140),
        (-70, 70),
        (-70, -140),
        (np.nan, 140),
        (140, np.nan),
        (60.5, 120),
    ]
    a, b = np.array(pairs, np.float32).T
    expected = [0, 4, 0, 30, 3, 55, 24, 0, 140, 140, 70, np.nan, np.nan, 1]
    for first, second in ((a, b), (b, a)):
        np.testing.assert_allclose(value_distance(first, second, octave=True), expected, atol=1e-4)
        np.testing.assert_array_equal(value_distance(first, second), np.abs(a - b))
    assert value_distance(np.float64(70), np.float64(141), octave=True) == 1


@pytest.mark.parametrize("seed", range(3))
def test_octave_distance_agrees_with_brute_force(seed):
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.uniform(-20, 400, (2, 500)), 1)
    b[:100] = a[:100] * 2.0 ** rng.integers(-4, 5, 100)
    b[100:120], a[120:140] = 0.0, np.nan
    expected = [np.nan if np.isnan(x) else apart(x, y, octave=True) for x, y in zip(a, b)]
    found = value_distance(a, b, octave=True)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_array_equal(found, value_distance(b, a, octave=True))
    assert (found[:100][a[:100] > 0] == 0).all() and np.isnan(found[120:140]).all()


def test_within_includes_exactly_the_tolerance():
    labels = track_labels(tempo=np.array([120.0, 125.0, 125.5, 115.0, 114.5], np.float32))
    anchor, others = np.zeros(4, int), np.arange(1, 5)
    assert TEMPO.similar(labels, anchor, others).tolist() == [True, False, True, False]
    assert TEMPO.dissimilar(labels, anchor, others).tolist() == [False, True, False, True]


@pytest.mark.parametrize("octave", [False, True])
def test_pairs_of_values_are_those_that_brute_force_finds(octave):
    rng, found = np.random.default_rng(5), {}
    for _ in range(400):
        low = rng.choice([-3, 1, 40])
        values = np.sort(np.round(rng.uniform(low, low + rng.choice([2, 50, 400]), rng.integers(1, 7)), 1))
        tolerance = float(rng.choice([0.0, 0.4, 4.0, 15.0, 60.0])) + 0.05  # off the grid of the values
        every = [apart(x, y, octave) <= tolerance for n, x in enumerate(values) for y in values[:n]]
        pairs = find_pairs(values.astype(np.float32), tolerance, octave)
        assert pairs == (any(every), not all(every)), (values, tolerance)
        found[pairs] = found.get(pairs, 0) + 1
    assert len(found) == 4 and min(found.values()) > 10


def test_many_values_none_or_all_alike_in_octaves():
    values = np.arange(1, 2**17, 2, dtype=np.float32) + 2**17  # all of one octave, no two alike
    assert find_pairs(values, 1.5, octave=True) == (False, True)
    assert find_pairs(values, 2.0**17, octave=True) == (True, False)


def test_an_octave_rule_votes_among_values_brought_next_to_the_nearest():
    octave, plain = Within("tempo", 5.0, octave=True), Within("tempo", 5.0)
    assert (
        octave.vote(["62", "124", "63", "126", "61"]) == "62" and plain.vote(["62", "124", "63", "126", "61"]) == "63"
    )
    assert octave.vote(["120", "59", "122", "244", "30.5"]) == "122"
    assert octave.vote(["0", "8", "4"]) == plain.vote(["0", "8", "4"]) == "4"  # 0 has no octave
