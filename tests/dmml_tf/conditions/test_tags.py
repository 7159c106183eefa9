"""Tags: padding, and what a pair costs."""

import numpy as np

from tests.dmml_tf.conditions.made import GENRE, track_labels


def test_padding_is_no_common_tag():
    labels = track_labels(genre=[[1, -1], [2, -1], [-1, -1]])
    assert not GENRE.similar(labels, [0, 2, 2], [1, 2, 0]).any()
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [True, False]


def test_the_cost_of_a_pair_does_not_depend_on_the_vocabulary():
    labels = track_labels(genre=np.array([[9_999, 3], [4, 9_999], [2_000_000_000, -1]], np.int32))
    assert GENRE.similar(labels, [0, 0], [1, 2]).tolist() == [True, False]
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [False, True]
