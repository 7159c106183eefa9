"""Triplets of a batch: none invalid on any make-up, by brute force."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within
from dmml_tf.data.triplets import draw_batch, draw_triplets
from tests.triplet_oracle import (
    able_anchors,
    is_negative,
    is_positive,
    random_judgements,
    random_labels,
    with_parts,
)
from tfrecords_tools.features import PAPER_CHAIN

GENRE = SharedTag("genre")
MOOD = SharedTag("mood")
TEMPO = Within("tempo", 5.0)
TRACK = SameTrack("track", width=0, share=3.0)
VOTES = Judged("votes")
ALL = Conditions([GENRE, MOOD, TEMPO, TRACK])


def rng(seed=0):
    return np.random.default_rng(seed)


def assert_valid(conditions, labels, triplets, numbers):
    assert triplets.dtype == np.int32 and numbers.dtype == np.int32
    assert triplets.shape == (len(numbers), 3)
    for (a, p, n), number in zip(triplets, numbers):
        assert is_positive(conditions[number], labels, a, p), (conditions[number].name, a, p)
        assert is_negative(conditions[number], labels, a, n), (conditions[number].name, a, n)


def with_columns(labels, **columns):
    return {**labels, **columns}


BASE = random_labels(rng(1), tracks=12, windows=2)
N = len(BASE["track"])
BATCHES = {
    "no positive": with_columns(BASE, genre=np.arange(N).reshape(-1, 1), tempo=np.arange(N, dtype=np.float32) * 10),
    "one class": with_columns(
        BASE, genre=np.zeros((N, 1), np.int32), mood=np.ones((N, 1), np.int32), tempo=np.full(N, 100, np.float32)
    ),
    "all unlabelled": with_columns(
        BASE, genre=np.full((N, 2), -1), mood=np.full((N, 1), -1), tempo=np.full(N, np.nan, np.float32)
    ),
    "single track": random_labels(rng(2), tracks=1, windows=6, unlabelled=0.0),
    "duplicates of one track": with_columns(BASE, track=np.repeat([0, 1], [N - 2, 2]).astype(np.int32)),
    "one window each": random_labels(rng(3), tracks=15, windows=1),
    "windows all alike": with_columns(BASE, start=np.zeros(N, np.int32)),
    "one window": random_labels(rng(4), tracks=1, windows=1),
    "parts of one track": with_parts(random_labels(rng(2), tracks=1, windows=6), rng(2), share=1.0),
    "empty": {name: column[:0] for name, column in BASE.items()},
}


@pytest.mark.parametrize("make_up", BATCHES)
def test_degenerate_batches_give_valid_triplets_or_none(make_up):
    labels = BATCHES[make_up]
    triplets, numbers = draw_batch(ALL, labels, 120, rng())
    assert_valid(ALL, labels, triplets, numbers)
    for number, condition in enumerate(ALL):
        assert (number in numbers) == bool(able_anchors(condition, labels)), condition.name


@pytest.mark.parametrize("seed", range(8))
def test_random_batches_give_valid_triplets(seed):
    draw = rng(seed)
    labels = random_labels(
        draw, int(draw.integers(2, 20)), int(draw.integers(1, 4)), int(draw.integers(1, 7)), float(draw.uniform(0, 0.9))
    )
    triplets, numbers = draw_batch(ALL, labels, 240, draw)
    assert_valid(ALL, labels, triplets, numbers)


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_one_song_give_valid_triplets_and_negatives(seed):
    draw = rng(seed)
    labels = with_parts(random_labels(draw, int(draw.integers(2, 12)), 4), draw)
    triplets, numbers = draw_batch(ALL, labels, 600, draw)
    assert_valid(ALL, labels, triplets, numbers)
    for number, condition in enumerate(ALL):
        assert (number in numbers) == bool(able_anchors(condition, labels)), condition.name
        track = labels["track"][triplets[numbers == number]]
        assert condition.of_one_track or (track[:, 0] != track[:, 1]).all()
        assert condition.name in ("genre", "tempo") or (track[:, 0] != track[:, 2]).all()


def test_a_part_of_the_anchors_own_song_may_be_the_only_negative():
    labels = {
        "genre": np.array([[0], [1], [0], [-1]], np.int32),
        "track": np.array([0, 0, 1, 0], np.int32),
        "start": np.array([0, 200, 0, 100], np.int32),
    }
    assert {tuple(row) for row in draw_triplets(GENRE, labels, 50, rng()).tolist()} == {(2, 0, 1)}
    labels["part/genre"] = np.array([1, 2, 0, -1], np.int32)
    assert {tuple(row) for row in draw_triplets(GENRE, labels, 50, rng()).tolist()} == {(0, 2, 1), (2, 0, 1)}


def test_shares_are_as_asked():
    labels = random_labels(rng(5), tracks=30, windows=3, unlabelled=0.1)
    asked = [
        SharedTag("genre", share=1.0),
        SharedTag("mood", share=0.3),
        Within("tempo", 5.0, share=2.2),
        SameTrack("track", share=3.5),
    ]
    triplets, numbers = draw_batch(Conditions(asked), labels, 700, rng())
    assert len(triplets) == 700
    for number, condition in enumerate(asked):
        assert np.mean(numbers == number) == pytest.approx(condition.share / 7.0, abs=0.02)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 33])
def test_rounding_neither_loses_nor_adds_triplets(count):
    labels = random_labels(rng(5), tracks=30, windows=3, unlabelled=0.1)
    even = Conditions([dataclasses.replace(c, width=64, share=1.0) for c in ALL])
    assert len(draw_batch(even, labels, count, rng())[0]) == count


def test_a_share_of_zero_draws_none():
    labels = random_labels(rng(5))
    triplets, numbers = draw_batch(Conditions([GENRE, SharedTag("mood", share=0.0)]), labels, 50, rng())
    assert len(triplets) == 50 and set(numbers) == {0}


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
def test_every_able_anchor_serves_before_one_serves_twice(condition):
    labels = random_labels(rng(6), tracks=15)
    able = able_anchors(condition, labels)
    assert 3 < len(able) < 30
    for count in (len(able) - 2, len(able), 2 * len(able), 2 * len(able) + 3):
        anchors = draw_triplets(condition, labels, count, rng())[:, 0]
        times = [int((anchors == anchor).sum()) for anchor in able]
        assert sum(times) == count and max(times) - min(times) <= 1


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
def test_every_able_track_serves_before_one_serves_twice(condition):
    labels = random_labels(rng(6), tracks=15, windows=3)
    able = {int(labels["track"][anchor]) for anchor in able_anchors(condition, labels)}
    assert 3 < len(able) < 16
    for seed, count in enumerate((len(able) - 2, len(able), len(able) + 2)):
        tracks = labels["track"][draw_triplets(condition, labels, count, rng(seed))[:, 0]].tolist()
        times = [tracks.count(track) for track in able]
        assert sum(times) == count and max(times) - min(times) <= 1
        assert sorted(tracks) != tracks  # in no fixed order


def test_every_valid_partner_is_drawn_equally_often():
    labels = random_labels(rng(7), tracks=6, windows=1, unlabelled=0.0, vocabulary=3)
    triplets = draw_triplets(MOOD, labels, 6_000, rng())
    for anchor in able_anchors(MOOD, labels):
        mine = triplets[triplets[:, 0] == anchor]
        for column, rule in ((1, is_positive), (2, is_negative)):
            valid = [other for other in range(6) if rule(MOOD, labels, anchor, other)]
            shares = [np.mean(mine[:, column] == other) for other in valid]
            np.testing.assert_allclose(shares, 1 / len(valid), atol=0.08)


def judged_batch(windows, seed=0):
    """Labels whose judgements are the known triplets: two whole ones that share clips, and one without its negative."""
    votes = np.full((windows, 3), -1, np.int32)
    for window, codes in {4: [0, 6], 7: [1, 3], 2: [2, 4], 9: [5], 5: [7]}.items():
        votes[window, : len(codes)] = codes
    return {**random_labels(rng(seed), tracks=windows // 2, windows=2), "votes": votes}


def test_judgements_are_drawn_as_they_were_given_and_never_mixed():
    labels = judged_batch(12)
    triplets = draw_triplets(VOTES, labels, 101, rng())
    assert triplets.dtype == np.int32 and triplets.shape == (101, 3)
    drawn, times = np.unique(triplets, axis=0, return_counts=True)
    assert drawn.tolist() == [[4, 7, 2], [7, 2, 9]] and sorted(times) == [50, 51]


@pytest.mark.parametrize("seed", range(4))
def test_every_whole_judgement_serves_and_no_other(seed):
    labels = {**random_labels(rng(seed), tracks=20), "votes": random_judgements(rng(seed), 40, 24)}
    triplets, numbers = draw_batch(Conditions([GENRE, VOTES]), labels, 108, rng(seed))
    judged = triplets[numbers == 1]
    clips = [
        [np.flatnonzero((labels["votes"] == 3 * t + role).any(axis=1)).tolist() for role in range(3)] for t in range(24)
    ]
    given = {(a, p, n) for (a,), (p,), *last in clips if (n := last[0][0] if last[0] else None) is not None}
    assert len(given) == 18 and set(map(tuple, judged.tolist())) == given and len(judged) == 54


def test_a_clip_twice_in_a_batch_stands_for_itself():
    votes = np.array([[0], [1], [2], [2], [-1]], np.int32)
    labels = {"votes": votes, "track": np.arange(5), "start": np.zeros(5, int)}
    assert {tuple(row) for row in draw_triplets(VOTES, labels, 9, rng()).tolist()} <= {(0, 1, 2), (0, 1, 3)}


@pytest.mark.parametrize(
    "votes",
    [None, np.full((40, 1), -1, np.int32), np.array([[0], [1]] + [[5]] * 38, np.int32)],
    ids=["no column", "none judged", "no whole judgement"],
)
def test_no_whole_judgement_gives_no_triplet(votes):
    labels = random_labels(rng(1), tracks=20)
    labels = labels if votes is None else {**labels, "votes": votes}
    assert draw_triplets(VOTES, labels, 10, rng()).shape == (0, 3)


def test_the_same_seed_gives_the_same_triplets():
    labels = random_labels(rng(8))
    first, again, other = (draw_batch(ALL, labels, 200, rng(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ids_of_a_large_vocabulary_do_not_cost_memory():
    import tracemalloc

    labels = random_labels(rng(9), tracks=40, windows=2)
    large = with_columns(labels, genre=np.where(labels["genre"] >= 0, labels["genre"] + 10_000, -1).astype(np.int32))
    peaks, drawn = [], []
    for columns in (labels, large):
        tracemalloc.start()
        drawn.append(draw_triplets(GENRE, columns, 100, rng()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    np.testing.assert_array_equal(*drawn)
    assert peaks[1] < 1.1 * peaks[0]


def test_nothing_asked_gives_nothing():
    assert draw_triplets(GENRE, BASE, 0, rng()).shape == (0, 3)


def test_half_a_window_is_rounded_up():
    assert PAPER_CHAIN.half_window == 65
