"""Weights: what is read from text and what is refused."""

import numpy as np
import pytest

from dmml_tf.search.weights import parse_weights, weight_vector
from tfrecords_tools.errors import UserError


def test_parse():
    assert parse_weights("tempo=1,genre=0.2") == {"tempo": 1.0, "genre": 0.2}
    assert parse_weights(" mood = -1e-1 ") == {"mood": -0.1}


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "not of the form"),
        ("tempo", "'tempo' is not of the form"),
        ("=1", "not of the form"),
        ("tempo=1,", "not of the form"),
        ("tempo=", "'' is not a number"),
        ("tempo=fast", "'fast' is not a number"),
        ("tempo=1=2", "'1=2' is not a number"),
        ("tempo=1,tempo=2", "twice"),
    ],
)
def test_parse_refuses(text, reason):
    with pytest.raises(UserError, match=reason) as caught:
        parse_weights(text)
    assert "\n" not in str(caught.value)


def test_left_out_is_0_and_none_is_1_each():
    names = ["genre", "mood", "tempo"]
    np.testing.assert_array_equal(weight_vector({"tempo": 2.0, "genre": -1.0}, names), [-1, 0, 2])
    np.testing.assert_array_equal(weight_vector(None, names), [1, 1, 1])


@pytest.mark.parametrize(
    "weights, reason",
    [
        ({"key": 1.0}, "no condition 'key' to weigh; this index has: genre, tempo"),
        ({"tempo": float("nan")}, "weight of 'tempo' is nan"),
        ({"tempo": 1.0, "genre": float("inf")}, "weight of 'genre' is inf"),
        ({"tempo": 0.0}, "no weight is above 0"),
        ({"tempo": -1.0, "genre": 0.0}, "no weight is above 0"),
        ({}, "no weight is above 0"),
    ],
)
def test_refused_weights(weights, reason):
    with pytest.raises(UserError, match=reason):
        weight_vector(weights, ["genre", "tempo"])
