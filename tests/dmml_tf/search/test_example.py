"""The example is the held-out track whose results agree with it most often."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.search.example import agree, clearest
from dmml_tf.search.index import Index

GENRE = SharedTag("genre", width=2)
TEMPO = Within("tempo", 5.0, width=2)


@pytest.mark.parametrize(
    "condition, one, other, agrees",
    [
        (GENRE, "rock|pop", "jazz|pop", True),
        (GENRE, "rock", "jazz", False),
        (GENRE, "", "", False),
        (TEMPO, "100", "105", True),
        (TEMPO, "100", "105.1", False),
        (TEMPO, "100", "", False),
    ],
)
def test_two_rows_agree_by_the_condition_s_own_rule(condition, one, other, agrees):
    assert agree(condition, {condition.name: one}, {condition.name: other}) is agrees


def made_index(held_out=()):
    """Near each other in genre: a and b, c and d; in tempo: a and c, b and d."""
    angles = {"a": (0.0, 0.0), "b": (0.1, 2.0), "c": (2.0, 0.1), "d": (2.1, 2.1)}
    labels = {"a": ("rock", "100"), "b": ("rock", "150"), "c": ("jazz", "102"), "d": ("folk", "90")}
    vectors = np.array([[np.cos(g), np.sin(g), np.cos(t), np.sin(t)] for g, t in angles.values()], np.float32)
    tracks = [
        {
            "id": name,
            "title": "",
            "artist": name,
            "split": "test" if name in held_out else "train",
            "genre": genre,
            "tempo": tempo,
        }
        for name, (genre, tempo) in labels.items()
    ]
    return Index.build(vectors, Conditions([GENRE, TEMPO]), tracks)


def test_the_clearest_of_the_held_out_tracks():
    # a finds b by genre and c by tempo, and both agree with it. No other track has two.
    assert clearest(made_index(), [GENRE, TEMPO], 1)["id"] == "a"
    # Of these, c finds a by tempo; d's results share nothing with it.
    assert clearest(made_index("dc"), [GENRE, TEMPO], 1)["id"] == "c"
