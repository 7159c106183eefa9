"""Marks: like colours for like songs."""

import numpy as np

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.explore.marks import LEVELS, SEGMENTS, Marks
from dmml_tf.search.index import Index

CONDITIONS = Conditions([SharedTag("genre", width=32), Within("tempo", width=1)])


def index_of(vectors) -> Index:
    return Index.build(np.asarray(vectors, np.float32), CONDITIONS, [{"id": f"{i:03d}"} for i in range(len(vectors))])


def test_a_ring_a_sub_space_and_songs_of_one_cluster_share_its_hue():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 33))
    index = index_of(np.repeat(centres, 8, axis=0) + rng.normal(0, 0.02, (24, 33)))
    marks = Marks.of(index)
    drawn = [marks.mark(vector) for vector in index.vectors]
    assert all(len(mark) == 2 and all(len(levels) == SEGMENTS for _, levels in mark) for mark in drawn)
    hues = np.radians([mark[0][0] for mark in drawn]).reshape(3, 8)
    spread = np.abs(np.exp(1j * hues).mean(axis=1))
    assert spread.min() > 0.98
    middles = np.exp(1j * hues).mean(axis=1)
    assert min(abs(middles[0] - middles[1]), abs(middles[0] - middles[2]), abs(middles[1] - middles[2])) > 0.3


def test_levels_follow_the_numbers():
    index = index_of(np.random.default_rng(1).normal(size=(6, 33)))
    vector = np.zeros(33, np.float32)
    vector[[0, 2]] = 2.0, 1.0  # two numbers a segment: the first and the second
    (hue, levels), (_, single) = Marks.of(index).mark(vector)
    assert levels[:3] == [LEVELS, round(LEVELS / 2), 0] and 0 <= hue < 360 and single == [0] * SEGMENTS


def test_one_song_and_songs_that_coincide_have_marks_too():
    for count in (1, 5):
        index = index_of(np.ones((count, 33)))
        (hue, levels), _ = Marks.of(index).mark(index.vectors[0])
        assert hue == 0 and levels == [LEVELS] * SEGMENTS
