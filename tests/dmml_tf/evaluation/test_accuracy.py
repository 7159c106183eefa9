"""Triplet accuracy and its bootstrap against plain loops."""

import numpy as np
import pytest

from dmml_tf.evaluation import accuracy
from dmml_tf.evaluation.accuracy import bootstrap, interval, is_correct, triplet_accuracy


def random_case(items: int = 30, count: int = 200, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(items, 5)).astype(np.float32), rng.integers(items, size=(count, 3)).astype(np.int32)


def test_correct_equals_a_loop_over_distances(monkeypatch):
    monkeypatch.setattr(accuracy, "_CHUNK", 33)
    space, triplets = random_case()
    expected = [np.linalg.norm(space[a] - space[p]) < np.linalg.norm(space[a] - space[n]) for a, p, n in triplets]
    assert is_correct(space, triplets).tolist() == expected


def test_columns_behind_a_mask_change_nothing():
    space, triplets = random_case()
    masked = np.zeros((len(space), 12), np.float32)
    masked[:, [1, 4, 5, 9, 10]] = space
    assert is_correct(masked, triplets).tolist() == is_correct(space, triplets).tolist()
    assert not is_correct(np.zeros_like(masked), triplets).any()


def test_a_tie_is_not_correct():
    collapsed = np.full((6, 4), 0.3, np.float32)
    assert triplet_accuracy(collapsed, np.array([[0, 1, 2], [3, 4, 5]])).value == 0.0
    mirrored = np.array([[0.0, 0.0], [0.1, 0.7], [-0.1, -0.7]], np.float32)
    assert triplet_accuracy(mirrored, np.array([[0, 1, 2]])).value == 0.0


def test_a_zero_vector_is_a_point_like_any_other():
    space = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], np.float32)
    assert is_correct(space, np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2]])).tolist() == [True, False, False]


def test_no_triplet_gives_none():
    assert triplet_accuracy(np.zeros((3, 2)), np.zeros((0, 3), np.int32)) is None


def test_bootstrap_equals_replicated_tracks():
    rng = np.random.default_rng(2)
    tracks = np.array([rng.permutation(6)[:3] for _ in range(40)])
    tracks[:10, 1] = tracks[:10, 0]  # track triplets: anchor and positive from one song
    correct = rng.random(40) < 0.6
    found = bootstrap(correct, tracks, total=6, seed=9, rounds=50)
    again = np.random.default_rng([9, 0x626F6F74])
    for value in found:
        drawn = again.integers(6, size=6).tolist()
        votes = []
        for triplet, right in zip(tracks.tolist(), correct):
            times = np.prod([drawn.count(track) for track in set(triplet)])
            votes += [right] * int(times)
        assert value == pytest.approx(np.mean(votes)) if votes else np.isnan(value)


def test_the_interval_is_wider_when_few_tracks_carry_the_triplets():
    # Whether a triplet is right hangs on its anchor alone: 3,000 triplets, but as many facts as tracks.
    rng = np.random.default_rng(0)
    widths = []
    for total in (10, 400):
        tracks = rng.integers(total, size=(3000, 3))
        low, high = interval(bootstrap(tracks[:, 0] % 2 == 0, tracks, total, rounds=300))
        widths.append(high - low)
    assert widths[0] > 3 * widths[1] > 0


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # One true share per anchor track, so that triplets of one track hang together.
    covered = 0
    for trial in range(60):
        rng = np.random.default_rng([trial])
        truth = np.clip(rng.normal(0.7, 0.15, 40), 0.0, 1.0)
        tracks = np.stack([rng.permutation(40)[:3] for _ in range(400)])
        correct = rng.random(400) < truth[tracks[:, 0]]
        low, high = interval(bootstrap(correct, tracks, 40, rounds=200))
        covered += low <= 0.695 <= high
    assert covered >= 50


def test_same_seed_same_interval_and_the_value_is_the_share():
    space, triplets = random_case()
    first, again, other = (triplet_accuracy(space, triplets, seed=s, rounds=100) for s in (0, 0, 1))
    assert first == again and first != other
    assert first.value == is_correct(space, triplets).mean() and first.n == 200
    assert first.low <= first.value <= first.high


def test_windows_are_resampled_by_their_tracks():
    space, triplets = random_case(items=30)
    tracks = np.arange(30) // 5
    found = triplet_accuracy(space, triplets, tracks=tracks, seed=4, rounds=200)
    expected = bootstrap(is_correct(space, triplets), tracks[triplets], 6, seed=4, rounds=200)
    assert (found.low, found.high) == interval(expected)
    assert found.value == triplet_accuracy(space, triplets, rounds=10).value


def test_nothing_known_gives_the_whole_range():
    assert interval(np.full(5, np.nan)) == (0.0, 1.0)
