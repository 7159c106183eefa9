"""Tagging by prototypes against plain loops over pairs."""

import numpy as np
import pytest

from dmml_tf.evaluation.tagging import prototypes, tagging


def case(seed: int = 0, tags: int = 5):
    rng = np.random.default_rng(seed)

    def split(count: int):
        column = np.where(rng.random((count, 2)) < 0.3, -1, rng.integers(tags, size=(count, 2))).astype(np.int32)
        column[column[:, 0] == column[:, 1], 1] = -1
        space = rng.normal(size=(count, 4)).astype(np.float32)
        space[:, 0] += column[:, 0]
        return space, column

    return *split(60), *split(40), tags


def auc_by_pairs(scores: list[float], carries: list[bool]) -> float:
    pairs = [(x, y) for x, has in zip(scores, carries) if has for y, lacks in zip(scores, carries) if not lacks]
    return sum(1.0 if x > y else 0.5 if x == y else 0.0 for x, y in pairs) / len(pairs)


def cosine(a, b) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_auc_equals_counting_pairs():
    train, train_column, test, test_column, tags = case()
    found = tagging(train, train_column, test, test_column, tags)
    known = [t for t in range(len(test)) if (test_column[t] >= 0).any()]
    for tag in range(tags):
        members = [x / np.linalg.norm(x) for x, row in zip(train.astype(float), train_column) if tag in row]
        scores = [cosine(test[t].astype(float), np.mean(members, axis=0)) for t in known]
        assert found.auc[tag] == pytest.approx(auc_by_pairs(scores, [tag in test_column[t] for t in known]))
    assert found.macro == pytest.approx(np.mean(list(found.auc.values())))
    assert found.tracks == len(known) < len(test) and found.left_out == ()


def test_tags_with_one_class_are_left_out():
    train_column = np.array([[0, 1], [0, 2], [3, -1]], np.int32)
    test_column = np.array([[0, 1], [0, 4], [-1, -1]], np.int32)
    space = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)
    found = tagging(space, train_column, space, test_column, 5)
    # 0: every test track; 2 and 3: none; 4: nobody in train.
    assert found.left_out == (0, 2, 3, 4) and found.auc == {1: 1.0} and found.macro == 1.0 and found.tracks == 2


def test_nothing_to_score():
    column = np.full((3, 1), -1, np.int32)
    found = tagging(np.ones((3, 2)), column, np.ones((3, 2)), column, 2)
    assert found.macro is None and found.auc == {} and found.left_out == (0, 1) and found.tracks == 0


def test_prototypes_are_means_of_unit_vectors():
    space = np.array([[3.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    found = prototypes(space, np.array([[0, 1], [0, -1], [-1, -1]]), 3)
    np.testing.assert_allclose(found, [[0.5, 0.5], [1.0, 0.0], [np.nan, np.nan]])
