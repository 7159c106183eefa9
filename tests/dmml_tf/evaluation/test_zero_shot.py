"""Scores of tags against counting pairs and ranks by hand."""

import numpy as np
import pytest

from dmml_tf.evaluation.zero_shot import EVERY_TRACK, NO_TRACK, NO_VECTOR, score_tags, zero_shot_scores
from dmml_tf.spaces import unit
from tests.dmml_tf.evaluation.test_tagging import auc_by_pairs, cosine
from tests.made_tower import CONDITIONS, TAGS, made_tower
from tfrecords_tools.errors import UserError


def made_labels(count=50, seed=0):
    rng = np.random.default_rng(seed)
    labels = {"track": np.arange(count, dtype=np.int32)}
    for name, tags in TAGS.items():
        labels[name] = np.where(rng.random((count, 2)) < 0.4, -1, rng.integers(len(tags), size=(count, 2)))
    return labels


def average_precision_by_rank(ranked):
    """Mean of the precision at each hit; there are no equal cosines here."""
    return np.mean([np.mean(ranked[: place + 1]) for place, hit in enumerate(ranked) if hit])


@pytest.mark.parametrize("k", [3, 100])
def test_scores_against_loops(k):
    tower, labels = made_tower(), made_labels()
    vectors = np.random.default_rng(3).normal(size=(50, 10)).astype(np.float32)
    found = zero_shot_scores(tower, vectors, labels, CONDITIONS, TAGS, k)
    assert list(found) == ["genre", "mood"]
    for name, part in CONDITIONS.subspaces.items():
        among = [n for n in range(50) if (labels[name][n] >= 0).any()]
        assert len(among) < 50 and list(found[name].scores) == list(TAGS[name]) and not found[name].left_out
        for place, (tag, score) in enumerate(found[name].scores.items()):
            vector = (tower.vectors.columns[name][place] @ tower.kernel + tower.bias)[part].astype(float)
            cosines = [cosine(vectors[n, part].astype(float), vector) for n in among]
            carries = [place in labels[name][n] for n in among]
            ranked = [carries[n] for n in sorted(range(len(among)), key=lambda n: -cosines[n])]
            assert score.auc == pytest.approx(auc_by_pairs(cosines, carries))
            assert score.average_precision == pytest.approx(average_precision_by_rank(ranked))
            assert score.precision == pytest.approx(np.mean(ranked[:k]))
            assert (score.tracks, score.among) == (sum(carries), len(among))
            assert score.unseen == (tag in ("jazz", "happy"))


def test_means_of_seen_and_unseen():
    vectors = np.random.default_rng(4).normal(size=(50, 10)).astype(np.float32)
    found = zero_shot_scores(made_tower(), vectors, made_labels(), CONDITIONS, TAGS)["genre"]
    seen = [score for tag, score in found.scores.items() if tag != "jazz"]
    assert found.mean(False) == pytest.approx(
        {
            "auc": np.mean([s.auc for s in seen]),
            "average_precision": np.mean([s.average_precision for s in seen]),
            "precision": np.mean([s.precision for s in seen]),
            "chance": np.mean([s.tracks / s.among for s in seen]),
        }
    )
    assert found.mean(True)["auc"] == found.scores["jazz"].auc


def test_a_perfect_space_scores_one():
    column = np.arange(12).reshape(-1, 1) % 3
    found = score_tags(np.eye(3)[column[:, 0]], np.eye(3), column, np.ones(12, bool), ("a", "b", "c"), ("c",), k=4)
    for score in found.scores.values():
        assert (score.auc, score.average_precision, score.precision) == (1.0, 1.0, 1.0)


def test_tags_that_cannot_be_scored_are_listed_with_the_reason():
    column = np.array([[0, 1], [0, 2], [0, -1], [-1, -1]])
    asked = unit(np.random.default_rng(0).normal(size=(4, 2)))
    asked[2] = np.nan
    found = score_tags(unit(np.ones((4, 2))), asked, column, (column >= 0).any(axis=1), tuple("abcd"), (), k=2)
    assert found.left_out == {"a": EVERY_TRACK, "c": NO_VECTOR, "d": NO_TRACK}
    # Every cosine is the same: chance, and the rows in order.
    assert list(found.scores) == ["b"] and found.scores["b"].auc == 0.5 and found.scores["b"].precision == 0.5
    assert found.scores["b"].among == 3 and found.mean(True) is None


def test_nothing_to_score():
    column = np.full((3, 1), -1)
    found = score_tags(np.ones((3, 2)), np.ones((2, 2)), column, np.zeros(3, bool), ("a", "b"), ("a",))
    assert found.scores == {} and found.left_out == {"a": NO_TRACK, "b": NO_TRACK} and found.mean(False) is None


def test_another_vocabulary_is_refused():
    with pytest.raises(UserError, match="column 'mood': the dataset has other tags"):
        zero_shot_scores(
            made_tower(), np.ones((50, 10)), made_labels(), CONDITIONS, {**TAGS, "mood": ("calm", "rock", "happy")}
        )
