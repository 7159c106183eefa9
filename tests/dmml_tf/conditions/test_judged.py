"""Judgements against brute force."""

import numpy as np
import pytest

from tests.dmml_tf.conditions.made import VOTES, every_pair, track_labels
from tests.triplet_oracle import is_negative, is_positive, random_judgements, random_labels
from tfrecords_tools.features import PAPER_CHAIN


@pytest.mark.parametrize("seed", range(4))
def test_judged_pairs_agree_with_brute_force(seed):
    rng = np.random.default_rng(seed)
    labels = {**random_labels(rng, tracks=14, windows=3), "votes": random_judgements(rng, 42, 30)}
    i, j = every_pair(42)
    similar, dissimilar = VOTES.similar(labels, i, j, PAPER_CHAIN.half_window), VOTES.dissimilar(labels, i, j)
    assert similar.tolist() == [is_positive(VOTES, labels, a, b) for a, b in zip(i, j)]
    assert dissimilar.tolist() == [is_negative(VOTES, labels, a, b) for a, b in zip(i, j)]
    assert 20 < similar.sum() <= 30 and 15 < dissimilar.sum() <= 23
    assert VOTES.labelled(labels).tolist() == [bool(row.max() >= 0) for row in labels["votes"]]


def test_a_judgement_holds_from_its_anchor_and_within_itself():
    # Windows 0, 1, 2: the first judgement. Windows 2, 0, 3: the second.
    labels = track_labels(votes=np.array([[0, 4], [1, -1], [2, 3], [5, -1], [-1, -1]], np.int32))
    pairs = {(a, b) for a in range(5) for b in range(5) if VOTES.similar(labels, [a], [b])[0]}
    assert pairs == {(0, 1), (2, 0)}
    pairs = {(a, b) for a in range(5) for b in range(5) if VOTES.dissimilar(labels, [a], [b])[0]}
    assert pairs == {(0, 2), (2, 3)}


def test_two_clips_of_one_song_may_be_judged():
    labels = {**track_labels(votes=np.array([[0], [1], [2]], np.int32)), "track": np.zeros(3, np.int32)}
    assert VOTES.similar(labels, [0], [1]).all() and VOTES.dissimilar(labels, [0], [2]).all()


def test_items_without_the_column_were_not_judged():
    labels = track_labels(genre=[[0], [0]])
    assert not VOTES.labelled(labels).any()
    assert not VOTES.similar(labels, [0], [1]).any() and not VOTES.dissimilar(labels, [0], [1]).any()
