"""Metrics against counting by hand, over several batches."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.training.metrics import ActiveShare, ConditionAccuracy, MeanDistance, triplet_metrics


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    found = []
    for size in (7, 1, 12):
        distances = rng.uniform(0, 2, size=(size, 2)).astype(np.float32)
        distances[0] = 0.5  # a tie
        found.append((rng.integers(2, size=size).astype(np.int32), distances))
    return found


def feed(metric, batches):
    for condition, distances in batches:
        metric.update_state(condition, distances)
    return float(metric.result())


@pytest.mark.parametrize("number", [0, 1])
def test_accuracy_counts_one_conditions_triplets(batches, number):
    right = [d[0] < d[1] for conditions, ds in batches for c, d in zip(conditions, ds) if c == number]
    assert 0 < sum(right) < len(right)
    assert feed(ConditionAccuracy(number, "accuracy"), batches) == pytest.approx(np.mean(right))


def test_a_tie_is_wrong():
    metric = ConditionAccuracy(0, "accuracy")
    metric.update_state([0, 0], np.array([[0.5, 0.5], [0.1, 0.5]], np.float32))
    assert float(metric.result()) == 0.5


def test_sample_weights_do_not_count(batches):
    metric, conditions, distances = ConditionAccuracy(0, "accuracy"), *batches[2]
    metric.update_state(conditions, distances, sample_weight=np.arange(12, dtype=np.float32))
    assert float(metric.result()) == pytest.approx(np.mean((distances[:, 0] < distances[:, 1])[conditions == 0]))


def test_targets_may_come_as_a_column(batches):
    flat, column = ConditionAccuracy(1, "flat"), ConditionAccuracy(1, "column")
    assert feed(column, [(c[:, None].astype(np.float32), d) for c, d in batches]) == feed(flat, batches)


def test_active_share_and_distances(batches):
    distances = np.concatenate([d for _, d in batches])
    active = [float(ap) - float(an) + 0.1 > 0 for ap, an in distances]
    assert feed(ActiveShare(0.1), batches) == pytest.approx(np.mean(active))
    assert feed(MeanDistance(0, "d_ap"), batches) == pytest.approx(distances[:, 0].mean(), abs=1e-6)
    assert feed(MeanDistance(1, "d_an"), batches) == pytest.approx(distances[:, 1].mean(), abs=1e-6)


@pytest.mark.parametrize(
    "metric", [ConditionAccuracy(3, "absent"), ActiveShare(), MeanDistance(0, "d_ap")], ids=lambda m: m.name
)
def test_nothing_to_count_gives_zero_and_no_nan(metric):
    metric.update_state(np.zeros(0, np.int32), np.zeros((0, 2), np.float32))
    assert float(metric.result()) == 0.0


def test_an_absent_condition_leaves_the_others_alone(batches):
    assert feed(ConditionAccuracy(5, "absent"), batches) == 0.0


def test_reset_forgets(batches):
    for metric in (ConditionAccuracy(0, "accuracy"), ActiveShare(), MeanDistance(1, "d_an")):
        feed(metric, batches)
        metric.reset_state()
        assert feed(metric, batches[:1]) == feed(type(metric).from_config(metric.get_config()), batches[:1])


def test_triplet_metrics_has_one_accuracy_a_condition():
    conditions = Conditions([SharedTag("genre"), SameTrack("track", width=0)])
    metrics = triplet_metrics(conditions, margin=0.3)
    assert [m.name for m in metrics] == ["accuracy_genre", "accuracy_track", "active", "d_ap", "d_an"]
    assert [m.condition for m in metrics[:2]] == [0, 1] and metrics[2].margin == 0.3
    assert [m.get_config()["column"] for m in metrics[3:]] == [0, 1]
