"""The labels' own cross table against plain loops, and the figure on spaces whose answer is known."""

import math

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.cross_table import cross_table, disentanglement, label_cross_table, label_information
from dmml_tf.evaluation.held_out import hold_out
from dmml_tf.evaluation.views import Views
from tests.triplet_oracle import random_labels, tags_of

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=4),
        SharedTag("mood", width=4),
        Within("tempo", 4.0, width=4),
        SameTrack("track", width=0),
    ]
)


def held_out_of(labels, conditions=CONDITIONS, count=300):
    total = len(labels["track"])
    return hold_out(conditions, labels, np.repeat(np.arange(total), 2), np.tile([0, 129], total), count, seed=2)


def multi_hot(labels, column: str, track: int) -> np.ndarray:
    vector = np.zeros(8)
    vector[sorted(tags_of(labels, column, track))] = 1.0
    return vector / np.linalg.norm(vector)


def by_hand(condition, labels, triplets) -> float:
    """Half a point for a tie or an unlabelled track, distances of real oracle vectors."""
    points = []
    for three in triplets.tolist():
        if not all(condition.labelled(labels)[three]):
            points.append(0.5)
            continue
        if isinstance(condition, SharedTag):
            a, p, n = (multi_hot(labels, condition.column, t) for t in three)
        else:
            a, p, n = (np.array([labels[condition.column][t]], float) for t in three)
        near, far = math.dist(a, p), math.dist(a, n)
        points.append(0.5 if math.isclose(near, far, abs_tol=1e-12) else float(near < far))
    return float(np.mean(points))


def test_every_cell_equals_distances_of_oracle_vectors():
    labels = random_labels(np.random.default_rng(0), tracks=60, windows=1)
    held_out = held_out_of(labels)
    found = label_cross_table(held_out, labels)
    assert list(found) == ["genre", "mood", "tempo"]
    for oracle, row in found.items():
        condition = CONDITIONS[CONDITIONS.index(oracle)]
        for name, value in row.items():
            assert value == pytest.approx(by_hand(condition, labels, held_out.triplets[name]))
        assert row[oracle] == 1.0


def test_independent_labels_give_a_half_and_equal_labels_one():
    rng = np.random.default_rng(1)
    genre = rng.integers(4, size=(400, 1)).astype(np.int32)
    labels = {
        "genre": genre,
        "mood": rng.integers(4, size=(400, 1)).astype(np.int32),
        "copy": genre,
        "track": np.arange(400),
    }
    conditions = Conditions([SharedTag(name, width=2) for name in ("genre", "mood", "copy")])
    found = label_cross_table(held_out_of(labels, conditions, 4000), labels)
    assert found["genre"]["mood"] == pytest.approx(0.5, abs=0.03) and found["genre"]["copy"] == 1.0
    bits = label_information(conditions, labels)
    assert bits["genre"]["copy"] == pytest.approx(bits["genre"]["genre"]) and bits["genre"]["mood"] < 0.05


def test_track_triplets_are_ties_for_labels_of_the_whole_song():
    labels = random_labels(np.random.default_rng(3), tracks=40, windows=1, unlabelled=0.0)
    conditions = Conditions([Within("tempo", 4.0, width=2), SameTrack("track", width=2)])
    held_out = held_out_of(labels, conditions)
    found = label_cross_table(held_out, labels)
    same = [labels["tempo"][a] == labels["tempo"][n] for a, _, n in held_out.owners("track")]
    assert found["tempo"]["track"] == pytest.approx(1 - np.mean(same) / 2)
    assert found["track"] == {"tempo": 0.5, "track": 1.0}
    assert list(label_information(conditions, labels)) == ["tempo"]


def figure(vectors, labels, conditions, held_out):
    ids = [str(i) for i in range(len(vectors))]
    windows = np.repeat(vectors, 2, axis=0)
    embedded = Embedded(ids, ids, ids, labels, vectors, windows, held_out.window_track, np.zeros(len(windows)))
    views = Views.of_conditions(held_out.conditions, embedded.vectors.shape[1])
    return disentanglement(cross_table(embedded, held_out, views), label_cross_table(held_out, labels))


def test_the_figure_of_known_spaces():
    rng = np.random.default_rng(5)
    genre = rng.integers(4, size=300)
    mood = np.where(rng.random(300) < 0.5, genre, rng.integers(4, size=300))  # correlated labels
    labels = {"genre": genre[:, None].astype(np.int32), "mood": mood[:, None].astype(np.int32), "track": np.arange(300)}
    conditions = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4)])
    held_out = held_out_of(labels, conditions, 3000)
    jitter = 1e-3 * rng.normal(size=(300, 8))
    apart = np.concatenate([np.eye(4)[genre], np.eye(4)[mood]], 1)
    ideal = figure((apart + jitter).astype(np.float32), labels, conditions, held_out)
    assert ideal.own == 0.0 and ideal.leak == pytest.approx(0.0, abs=0.04) and ideal.value == -ideal.leak
    both = np.tile(np.eye(4)[genre] + np.eye(4)[mood], 2)
    entangled = figure((both + jitter).astype(np.float32), labels, conditions, held_out)
    assert entangled.leak > 0.1 and entangled.value < -0.1
    chance = figure(rng.normal(size=(300, 8)).astype(np.float32), labels, conditions, held_out)
    assert chance.own == pytest.approx(-0.5, abs=0.05)


def test_empty_cells_are_left_out():
    table = {"a": {"a": 0.9, "b": None}, "b": {"a": 0.6, "b": None}}
    expected = {"a": {"a": 1.0, "b": None}, "b": {"a": 0.55, "b": None}}
    found = disentanglement(table, expected)
    assert (found.own, found.leak, found.value) == pytest.approx((-0.1, 0.05, -0.15))
    assert disentanglement({"a": {"a": 0.9}}, {"a": {"a": 1.0}}) is None


def test_votes_have_no_label_that_could_order_other_triplets():
    conditions = Conditions([SharedTag("genre", width=2), Judged("votes", width=2)])
    labels = random_labels(np.random.default_rng(2), tracks=30, windows=1)
    found = label_cross_table(held_out_of(labels, conditions), labels)
    assert found == {"genre": {"genre": 1.0, "votes": None}, "votes": {"genre": 0.5, "votes": None}}
