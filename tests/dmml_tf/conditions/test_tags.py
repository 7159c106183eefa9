"""Tags: padding, and what a pair costs."""

import numpy as np

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.conditions.tags import multi_hot
from tests.dmml_tf.conditions.made import GENRE, every_pair, track_labels
from tfrecords_tools.tables.tracks import TagColumn, Tracks


def test_padding_is_no_common_tag():
    labels = track_labels(genre=[[1, -1], [2, -1], [-1, -1]])
    assert not GENRE.similar(labels, [0, 2, 2], [1, 2, 0]).any()
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [True, False]


def test_the_cost_of_a_pair_does_not_depend_on_the_vocabulary():
    labels = track_labels(genre=np.array([[9_999, 3], [4, 9_999], [2_000_000_000, -1]], np.int32))
    assert GENRE.similar(labels, [0, 0], [1, 2]).tolist() == [True, False]
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [False, True]


def test_tracks_of_two_sources_are_not_known_to_differ():
    labels = track_labels(genre=[[0], [1], [0], [2], [-1]], source=[[0], [0], [1], [1], [1]])
    condition = SharedTag("genre", among="source")
    i, j = every_pair(5)
    assert (condition.similar(labels, i, j) == GENRE.similar(labels, i, j)).all()
    dissimilar = condition.dissimilar(labels, i, j)
    assert {(a, b) for a, b in zip(i[dissimilar], j[dissimilar])} == {(0, 1), (1, 0), (2, 3), (3, 2)}
    del labels["source"]
    assert (condition.dissimilar(labels, i, j) == GENRE.dissimilar(labels, i, j)).all()


def test_a_source_is_kept_in_json_and_must_be_a_column():
    condition = SharedTag("genre", among="source")
    (row,) = Conditions([condition]).to_json()
    assert row["among"] == "source" and [*Conditions.from_json([row])] == [condition]
    assert "among" not in Conditions([GENRE]).to_json()[0]
    tags = {"genre": TagColumn(np.array([0, 0, 1], np.int32), np.array([0, 1, 2, 3]))}
    tracks = Tracks(np.zeros(3, np.int8), np.ones(3, np.float32), tags, {})
    assert GENRE.fault(tracks) is None
    assert "no column 'source' of tags" in condition.fault(tracks)


def test_multi_hot_against_a_loop():
    column = np.array([[0, 2], [-1, -1], [2, -1], [1, 1]], np.int32)
    expected = [[tag in row for tag in range(4)] for row in column]
    assert multi_hot(column, 4).tolist() == expected
