"""Retrieval figures against plain loops over a sorted list."""

import math
import tracemalloc

import numpy as np
import pytest

from dmml_tf.conditions import SameTrack, SharedTag, Within
from dmml_tf.evaluation.retrieval import retrieval
from tests.triplet_oracle import is_positive, random_labels, tags_of
from tfrecords_tools.errors import UserError

GENRE, MOOD = SharedTag("genre"), SharedTag("mood")
TEMPO = Within("tempo", 3.0)


def tracks(count: int = 50, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, count, windows=1)
    # A grid of few places: many equal distances.
    return rng.integers(0, 4, size=(count, 3)).astype(np.float32), labels


def expected(space, labels, condition, ks):
    """The definitions, word by word."""
    known = [t for t in range(len(space)) if condition.labelled(labels)[t]]
    rows, lonely = [], 0
    for q in known:
        others = sorted((t for t in known if t != q), key=lambda t: (math.dist(space[q], space[t]), t))
        right = [is_positive(condition, labels, q, t) for t in others]
        total = sum(right)
        if not total:
            lonely += 1
            continue
        recalls = []
        for k in ks:
            if isinstance(condition, SharedTag):
                union = set().union(*(tags_of(labels, condition.column, t) for t in others[:k]))
                mine = tags_of(labels, condition.column, q)
                recalls.append(len(union & mine) / len(mine))
            else:
                recalls.append(float(any(right[:k])))
        precisions = [sum(right[: i + 1]) / (i + 1) for i in range(total) if right[i]]
        rows.append([*recalls, sum(right[:total]) / total, sum(precisions) / total])
    return np.mean(rows, axis=0), len(rows), lonely, len(space) - len(known)


@pytest.mark.parametrize("condition", [GENRE, MOOD, TEMPO], ids=lambda c: c.name)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_figures_equal_the_definitions(condition, chunk):
    space, labels = tracks()
    found = retrieval(space, labels, condition, ks=(1, 3, 8), chunk=chunk)
    means, queries, lonely, unlabelled = expected(space, labels, condition, (1, 3, 8))
    np.testing.assert_allclose([*found.recall.values(), found.r_precision, found.map_at_r], means, rtol=1e-9)
    assert (found.queries, found.without_relevant, found.unlabelled) == (queries, lonely, unlabelled)
    assert unlabelled > 0


def test_ties_go_to_the_smaller_row():
    space = np.ones((3, 2), np.float32)
    labels = {"genre": np.array([[0], [1], [0]], np.int32), "track": np.arange(3)}
    found = retrieval(space, labels, GENRE, ks=(1, 2))
    assert found.recall == {1: 0.5, 2: 1.0}  # row 0 meets row 1 first, row 2 meets row 0 first
    assert found.queries == 2 and found.without_relevant == 1


def test_twins_keep_their_order_whatever_the_chunk():
    rng = np.random.default_rng(4)
    space = np.repeat(rng.normal(size=(20, 64)), 4, axis=0).astype(np.float32)
    labels = {"genre": rng.integers(3, size=(80, 1)).astype(np.int32), "track": np.arange(80)}
    first = retrieval(space, labels, GENRE, chunk=1)
    assert all(retrieval(space, labels, GENRE, chunk=chunk) == first for chunk in (5, 33, 80))
    means = expected(space, labels, GENRE, (1, 2, 4, 8))[0]
    np.testing.assert_allclose([*first.recall.values(), first.r_precision, first.map_at_r], means, rtol=1e-9)


def test_several_labels_are_found_in_the_union():
    space = np.array([[0.0], [1.0], [2.0], [9.0]], np.float32)
    labels = {"genre": np.array([[0, 1], [0, -1], [1, 2], [2, -1]], np.int32), "track": np.arange(4)}
    found = retrieval(space[:, [0, 0]], labels, GENRE, ks=(1, 2))
    # Row 0 meets genre 0, then 1 and 2; row 1 genres 0 and 1; row 2 genre 0, then 0 and 1; row 3 genres 1 and 2.
    assert found.recall == {1: (0.5 + 1 + 0 + 1) / 4, 2: (1 + 1 + 0.5 + 1) / 4}


def test_parts_of_the_querys_own_track_are_no_results():
    labels = {"genre": np.array([[0, 1], [1, -1], [0, -1], [2, -1]], np.int32), "track": np.array([0, 0, 1, 1])}
    found = retrieval(np.arange(4, dtype=np.float32)[:, None] ** [1, 1], labels, GENRE, ks=(1, 2, 8))
    # Row 0 meets genres 0 and 2: its other genre is in its own track alone. Row 2 meets row 1, then row 0.
    assert found.recall == {1: (0.5 + 0) / 2, 2: (0.5 + 1) / 2, 8: (0.5 + 1) / 2}
    assert (found.queries, found.without_relevant, found.r_precision) == (2, 2, 0.5)


def test_a_space_that_is_the_labels_is_perfect():
    genre = np.arange(60) % 5
    labels = {"genre": genre[:, None].astype(np.int32), "track": np.arange(60)}
    found = retrieval(np.eye(5, dtype=np.float32)[genre], labels, GENRE)
    assert found.recall == {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0}
    assert found.r_precision == pytest.approx(1.0) and found.map_at_r == pytest.approx(1.0)


def test_nothing_to_ask_gives_none():
    unlabelled = {"genre": np.full((4, 1), -1, np.int32), "track": np.arange(4)}
    assert retrieval(np.zeros((4, 2), np.float32), unlabelled, GENRE) is None
    alone = {"genre": np.arange(4)[:, None].astype(np.int32), "track": np.arange(4)}
    assert retrieval(np.zeros((4, 2), np.float32), alone, GENRE) is None


def test_windows_are_no_tracks():
    with pytest.raises(UserError, match="'track'.*retrieval compares tracks"):
        retrieval(np.zeros((2, 2)), {"track": np.arange(2)}, SameTrack("track"))


def test_memory_is_that_of_a_chunk():
    rng, count = np.random.default_rng(1), 1500
    labels = {"genre": rng.integers(9, size=(count, 1)).astype(np.int32), "track": np.arange(count)}
    space = rng.normal(size=(count, 8)).astype(np.float32)
    tracemalloc.start()
    retrieval(space, labels, GENRE, chunk=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < count * count  # bytes: not even one an entry of N x N
