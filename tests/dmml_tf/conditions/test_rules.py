"""Every kind's rule against brute force, pair by pair."""

import functools

import numpy as np
import pytest

from dmml_tf.conditions import SameTrack, SharedTag
from tests.dmml_tf.conditions.made import ALL, GENRE, MOOD, TEMPO, TRACK, VOTES, every_pair, track_labels
from tests.triplet_oracle import is_negative, is_positive, random_labels
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
@pytest.mark.parametrize("seed", range(4))
def test_every_pair_agrees_with_brute_force(condition, seed):
    labels = random_labels(np.random.default_rng(seed), tracks=14, windows=3)
    labels["tempo"] *= np.where(np.arange(42) // 3 % 3, 1.0, 2.0).astype(np.float32)
    i, j = every_pair(42)
    similar = condition.similar(labels, i, j, PAPER_CHAIN.half_window)
    dissimilar = condition.dissimilar(labels, i, j)
    assert similar.tolist() == [is_positive(condition, labels, a, b) for a, b in zip(i, j)]
    assert dissimilar.tolist() == [is_negative(condition, labels, a, b) for a, b in zip(i, j)]
    assert similar.any() and dissimilar.any()


@pytest.mark.parametrize("condition", [*ALL, SharedTag("genre", among="source")], ids=lambda c: c.name)
def test_a_grid_of_pairs_is_compared_as_each_of_them(condition):
    labels = random_labels(np.random.default_rng(3), tracks=10, windows=2)
    labels["source"] = np.arange(20)[:, None] % 3
    rows, columns = np.array([4, 0, *range(19, 4, -1)]), np.arange(20)
    i, j = np.repeat(rows, 20), np.tile(columns, 17)
    for rule in (functools.partial(condition.similar, overlap_frames=PAPER_CHAIN.half_window), condition.dissimilar):
        grid = rule(labels, rows[:, None], columns[None])
        np.testing.assert_array_equal(grid, rule(labels, i, j).reshape(17, 20))
        assert grid.any() and not grid.all()


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
def test_the_rules_are_symmetric_and_exclude_each_other(condition):
    labels = random_labels(np.random.default_rng(9))
    i, j = every_pair(40)
    similar = condition.similar(labels, i, j, PAPER_CHAIN.half_window).reshape(40, 40)
    dissimilar = condition.dissimilar(labels, i, j).reshape(40, 40)
    assert (similar == similar.T).all() and (dissimilar == dissimilar.T).all()
    assert not (similar & dissimilar).any()
    assert not similar.diagonal().any() and not dissimilar.diagonal().any()


@pytest.mark.parametrize("condition", (GENRE, TEMPO, MOOD), ids=lambda c: c.name)
def test_unlabelled_is_neither_positive_nor_negative(condition):
    labels = random_labels(np.random.default_rng(2), tracks=30)
    labelled = condition.labelled(labels)
    assert 0 < labelled.sum() < len(labelled)
    i, j = every_pair(60)
    touched = ~labelled[i] | ~labelled[j]
    assert not condition.similar(labels, i, j)[touched].any()
    assert not condition.dissimilar(labels, i, j)[touched].any()


def test_labelled_agrees_with_what_was_written():
    labels = track_labels(genre=[[2, -1], [-1, -1], [-1, 0]], tempo=np.array([120.0, np.nan, 0.0], np.float32))
    assert GENRE.labelled(labels).tolist() == [True, False, True]
    assert TEMPO.labelled(labels).tolist() == [True, False, True]
    assert TRACK.labelled(labels).tolist() == [True, True, True]


def test_a_song_is_no_positive_of_itself_for_a_tag_or_a_value():
    labels = {
        "track": np.zeros(2, np.int32),
        "start": np.array([0, 200], np.int32),
        "genre": np.array([[1], [1]]),
        "tempo": np.array([90.0, 90.0], np.float32),
    }
    for condition in (GENRE, TEMPO):
        assert not condition.similar(labels, [0], [1]).any()
        assert not condition.dissimilar(labels, [0], [1]).any()


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(UserError, match="'feeling' needs a label column 'mood'; the data has: genre"):
        MOOD.labelled(track_labels(genre=[[0]]))


def test_column_defaults_to_the_name():
    assert (GENRE.column, TRACK.column, MOOD.column) == ("genre", "track", "mood")
    assert SameTrack("same song").column == "track"


def test_classes_of_tags_and_of_a_value():
    labels = {"genre": np.array([[0, 2], [-1, -1], [1, -1]], np.int32), "track": np.arange(3)}
    rows, classes = GENRE.classes(labels)
    assert list(zip(rows.tolist(), classes.tolist())) == [(0, 0), (0, 2), (2, 1)]
    tempo = np.r_[np.nan, np.arange(80.0), np.nan].astype(np.float32)
    rows, classes = TEMPO.classes({"tempo": tempo, "track": np.arange(82)})
    assert rows.tolist() == list(range(1, 81)) and np.bincount(classes).tolist() == [10] * 8
    assert (np.diff(classes) >= 0).all()
    with pytest.raises(UserError, match="condition 'votes': kind 'judged' does not divide tracks into classes"):
        VOTES.classes(labels)
