"""The best sequence against all sequences."""

import itertools

import numpy as np
import pytest

from dmml_tf.library.sequence import best_sequence


def every_sequence(costs, progress, wanted, apart):
    """(largest cost, sum of squares) of each sequence of ascending progress, and its places; best first."""
    scored = []
    for places in itertools.combinations(range(len(progress)), len(wanted)):
        if any(progress[a] >= progress[b] for a, b in itertools.pairwise(places)):
            continue
        stations = [0, *(place + 1 for place in places), len(progress) + 1]
        steps = [float(costs[a, b]) for a, b in itertools.pairwise(stations)]
        off = [apart * (progress[place] - want) for place, want in zip(places, wanted)]
        scored.append((max(steps), sum(number**2 for number in (*steps, *off)), places))
    return sorted(scored)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_best_of_all_sequences(seed):
    rng = np.random.default_rng(seed)
    count, steps = int(rng.integers(1, 9)), int(rng.integers(2, 6))
    costs = rng.uniform(0, 1, (count + 2, count + 2)).astype(np.float32)
    if seed % 3 == 0:  # many equal costs
        costs = np.round(costs, 1)
    progress = np.sort(np.round(rng.uniform(0, 1, count), 1 if seed % 2 else 6))  # some equal
    wanted, apart = np.arange(1, steps) / steps, float(rng.uniform(0, 2))
    best = every_sequence(costs, progress, wanted, apart)
    places = best_sequence(costs, progress, wanted, apart)
    if not best:
        assert places is None
        return
    assert places is not None and len(places) == steps - 1
    found = next(entry for entry in best if entry[2] == tuple(places))
    assert found[0] == best[0][0] and found[1] == pytest.approx(best[0][1], abs=1e-9)


def test_one_step_needs_no_point():
    assert best_sequence(np.ones((2, 2)), np.zeros(0), np.zeros(0), 1.0).tolist() == []
    assert best_sequence(np.ones((2, 2)), np.zeros(0), np.array([0.5]), 1.0) is None
