"""The set of conditions: names, slices, masks."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from tests.dmml_tf.conditions.made import GENRE, TEMPO, TRACK
from tfrecords_tools.errors import UserError


def test_masks_partition_the_embedding():
    conditions = Conditions(
        [
            SharedTag("a", width=3),
            SharedTag("b", width=0),
            Within("c", width=5),
            SharedTag("d", width=2),
        ]
    )
    masks = conditions.masks(10)
    assert masks.dtype == np.float32 and set(np.unique(masks)) == {0.0, 1.0}
    assert (masks[[0, 2, 3]].sum(axis=0) == 1.0).all()
    assert (masks[1] == 1.0).all()
    assert conditions.size == 10
    assert list(conditions.subspaces) == ["a", "c", "d"]
    for name, owned in conditions.subspaces.items():
        assert np.flatnonzero(masks[conditions.index(name)]).tolist() == list(range(owned.start, owned.stop))


def test_the_papers_masks():
    names = ("genre", "mood", "instrument", "tempo")
    masks = Conditions([*(SharedTag(name) for name in names), TRACK]).masks(256)
    expected = np.concatenate([np.kron(np.eye(4), np.ones(64)), np.ones((1, 256))])
    np.testing.assert_array_equal(masks, expected)


def test_all_widths_zero_sees_everything_at_any_size():
    conditions = Conditions([SharedTag("a", width=0), TRACK])
    assert conditions.size == 0 and conditions.subspaces == {}
    np.testing.assert_array_equal(conditions.masks(7), np.ones((2, 7)))


def test_widths_that_do_not_add_up_are_refused():
    with pytest.raises(UserError, match="add up to 128.*has 100"):
        Conditions([GENRE, TEMPO]).masks(100)


def test_sets_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="at least one"):
        Conditions([])
    with pytest.raises(UserError, match="must differ: genre, genre"):
        Conditions([GENRE, Within("genre")])
    with pytest.raises(UserError, match="unknown condition 'mod'; the model has: genre, tempo"):
        Conditions([GENRE, TEMPO]).index("mod")
