"""Miners and their loss against loops over triplets, on ordinary and degenerate batches, and against addons."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.relations import relations
from dmml_tf.models.masks import UnitLength
from dmml_tf.training.losses import MinedHinge
from dmml_tf.training.metrics import mining_metrics
from dmml_tf.training.miners import MINERS, miner_by_name, nearer_negatives
from dmml_tf.training.objectives.mining import PairDistances
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions(
    [
        SharedTag("genre"),
        Within("tempo", 5.0),
        SameTrack("track", width=0),
    ]
)
MARGIN = 0.3
HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


def points_to_distances(points):
    return np.linalg.norm(points[:, :, None] - points[:, None, :], axis=-1).astype(np.float32)


def ordinary(seed=0, tracks=7):
    """Multi-label, with a tolerance, unlabelled items, two windows a track."""
    rng = np.random.default_rng(seed)
    items = np.repeat(np.arange(tracks), 2)
    tags = rng.integers(-1, 4, (tracks, 2)).astype(np.int32)
    tempo = np.where(rng.random(tracks) < 0.2, np.nan, rng.uniform(80, 100, tracks)).astype(np.float32)
    labels = {
        "genre": tags[items],
        "tempo": tempo[items],
        "track": items.astype(np.int32),
        "start": np.tile([0, 65], tracks).astype(np.int32),
    }
    return relations(CONDITIONS, labels), points_to_distances(rng.normal(size=(3, 2 * tracks, 4)))


def made(relation, distances=None):
    relation = np.asarray(relation, np.int8)
    size = relation.shape[-1]
    points = np.random.default_rng(3).normal(size=(len(relation), size, 4))
    return relation, points_to_distances(points) if distances is None else np.asarray(distances, np.float32)


def one_class(size):
    return [1 - np.eye(size, dtype=int)]


EQUAL = np.array([[[0, 1, -1, -1], [1, 0, -1, -1], [-1, -1, 0, 1], [-1, -1, 1, 0]]])
TWINS = points_to_distances(np.array([[[0.0, 0], [0, 0], [1, 0], [0.2, 0]]]))  # rows 0 and 1 are one point
BATCHES = {
    "ordinary": ordinary(),
    "another": ordinary(1, 9),
    "no positive": made([-1 + np.eye(4, dtype=int)]),
    "no negative": made(one_class(4)),
    "nothing": made(np.zeros((2, 3, 3))),
    "one row": made(np.zeros((3, 1, 1))),
    "all distances equal": made(EQUAL, np.ones((1, 4, 4)) - np.eye(4)),
    "all at one point": made(EQUAL, np.zeros((1, 4, 4))),
    "anchor equal to positive": made(EQUAL, TWINS),
}
batches = pytest.mark.parametrize("relation, distances", BATCHES.values(), ids=BATCHES)


def triplets_of(mining, relation, d):
    """(anchor, positive, negative) of one condition by loops; for `random` every candidate."""
    found = []
    for a in range(len(d)):
        positives = [p for p in range(len(d)) if relation[a, p] == 1]
        negatives = [n for n in range(len(d)) if relation[a, n] == -1]
        if not positives or not negatives:
            continue
        if mining == "hard":
            found.append((a, max(positives, key=lambda p: d[a, p]), min(negatives, key=lambda n: d[a, n])))
        elif mining == "semi_hard":
            for p in positives:
                farther = [n for n in negatives if d[a, n] > d[a, p]]
                found.append(
                    (a, p, min(farther, key=lambda n: d[a, n]) if farther else max(negatives, key=lambda n: d[a, n]))
                )
        else:
            found += [(a, p, n) for p in positives for n in negatives]
    return found


@batches
@pytest.mark.parametrize("mining", ["semi_hard", "hard"])
def test_the_loss_is_the_mean_hinge_of_the_triplets_that_loops_find(mining, relation, distances):
    found = MinedHinge(mining, MARGIN).call(relation, tf.constant(distances)).numpy()
    for value, rows, d in zip(found, relation, distances):
        hinges = [max(0.0, d[a, p] - d[a, n] + MARGIN) for a, p, n in triplets_of(mining, rows, d)]
        assert value == pytest.approx(np.mean(hinges) if hinges else 0.0, abs=1e-6)


@batches
def test_every_mined_triplet_is_valid_and_random_ones_reach_every_negative(relation, distances):
    seen, rng = [set() for _ in relation], np.random.default_rng(0)
    for mining, times in (("random", 40), ("semi_hard", 1), ("hard", 1)):
        for _ in range(times):
            order = rng.permutation(relation.shape[-1])  # another order of the batch is another draw
            mixed, apart = (x[:, order][:, :, order] for x in (relation, distances))
            negative, chosen = (x.numpy() for x in MINERS[mining](apart, mixed > 0, mixed < 0))
            for c, a, p in zip(*np.nonzero(chosen)):
                assert mixed[c, a, p] == 1 and mixed[c, a, negative[c, a, p]] == -1
                seen[c].add((order[a], order[p], order[negative[c, a, p]]))
    for c, rows in enumerate(relation):
        assert len(seen[c]) >= 0.85 * len(triplets_of("random", rows, distances[c]))


def test_random_negatives_are_those_of_the_batch_whatever_was_drawn_before():
    relation, distances = BATCHES["ordinary"]
    first, _ = MINERS["random"](distances, relation > 0, relation < 0)
    tf.random.set_seed(5)
    again, _ = MINERS["random"](2 * distances, relation > 0, relation < 0)
    np.testing.assert_array_equal(first, again)
    fewer = relation.copy()
    fewer[:, :, -1] = 0
    other, _ = MINERS["random"](distances, fewer > 0, fewer < 0)
    assert (first.numpy() != other.numpy()).mean() > 0.3


@batches
@pytest.mark.parametrize("mining", MINERS)
def test_gradients_are_finite(mining, relation, distances):
    x = tf.Variable(np.random.default_rng(0).normal(size=(*relation.shape[:2], 4)).astype(np.float32))
    x[:, :2].assign(tf.zeros_like(x[:, :2]))  # two silent windows: anchor equal to positive
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(MinedHinge(mining, 3.0).call(relation, PairDistances()(UnitLength()(x))))
    gradient = tf.convert_to_tensor(tape.gradient(loss, x)).numpy()
    assert np.isfinite(gradient).all()
    possible = any(triplets_of("random", rows, d) for rows, d in zip(relation, distances))
    assert (loss.numpy() > 0) == possible


@batches
@pytest.mark.parametrize("margin", [0.0, MARGIN])
def test_counts_of_nearer_negatives(margin, relation, distances):
    found = nearer_negatives(distances, relation < 0, margin).numpy()
    for c, a, p in np.ndindex(*relation.shape):
        d = distances[c, a]
        nearer = d < np.float32(d[p] + np.float32(margin)) if margin else d <= d[p]
        assert found[c, a, p] == (nearer & (relation[c, a] == -1)).sum()


@batches
def test_metrics_count_every_triplet_of_the_batch(relation, distances):
    conditions = Conditions(CONDITIONS[: len(relation)])
    found = {metric.name: metric for metric in mining_metrics(conditions, MARGIN)}
    for metric in found.values():
        metric.update_state(relation, distances)
        again = type(metric).from_config(metric.get_config())
        assert again.get_config() == metric.get_config()
    all_triplets, pairs = [], {1: [], -1: []}
    for name, rows, d in zip(conditions.names, relation, distances):
        triplets = [(d[a, p], d[a, n]) for a, p, n in triplets_of("random", rows, d)]
        accuracy = np.mean([near < far for near, far in triplets]) if triplets else 0.0
        assert float(found[f"accuracy_{name}"].result()) == pytest.approx(accuracy, abs=1e-5)
        all_triplets += triplets
        for sign, values in pairs.items():
            values.extend(d[rows == sign])
    active = [far - near < MARGIN for near, far in all_triplets]
    assert float(found["active"].result()) == pytest.approx(np.mean(active) if active else 0.0, abs=1e-5)
    for name, sign in (("d_ap", 1), ("d_an", -1)):
        expected = np.mean(pairs[sign]) if pairs[sign] else 0.0
        assert float(found[name].result()) == pytest.approx(expected, abs=1e-5)


def test_sample_weights_weigh_conditions():
    relation, distances = BATCHES["ordinary"]
    weights = np.array([1.0, 1.0, 0.5], np.float32)
    loss = MinedHinge("hard", MARGIN)
    expected = np.mean(weights * loss.call(relation, tf.constant(distances)).numpy())
    assert float(loss(relation, distances, sample_weight=weights)) == pytest.approx(float(expected), abs=1e-6)
    again = MinedHinge.from_config(loss.get_config())
    assert (again.mining, again.margin) == ("hard", MARGIN)


def test_unknown_mining_lists_the_known():
    with pytest.raises(UserError, match="unknown mining 'soft'; known are: random, semi_hard, hard"):
        miner_by_name("soft")


@pytest.mark.skipif(not HAS_ADDONS, reason="needs tensorflow-addons")
@pytest.mark.parametrize("mining, theirs", [("semi_hard", "TripletSemiHardLoss"), ("hard", "TripletHardLoss")])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_condition_of_single_labels_agrees_with_addons(mining, theirs, seed):
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(5), 6)
    unit = keras.utils.normalize(rng.normal(size=(30, 8)), axis=1).astype(np.float32)
    labels = {"genre": classes[:, None].astype(np.int32), "track": np.arange(30, dtype=np.int32)}
    relation = relations(Conditions([SharedTag("genre")]), labels)
    found = float(MinedHinge(mining, MARGIN)(relation, PairDistances()(unit[None])))
    losses = importlib.import_module("tensorflow_addons.losses")
    assert found == pytest.approx(float(getattr(losses, theirs)(margin=MARGIN)(classes, unit)), abs=1e-5) and found > 0
