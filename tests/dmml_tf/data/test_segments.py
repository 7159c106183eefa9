"""Segments as items, whose labels are those that a look at each of their samples says."""

import numpy as np
import pytest

from dmml_tf.data.records import label_arrays
from dmml_tf.data.segments import Segments
from tests.dmml_tf.data.test_segment_labels import NOTHING, as_said, pieces, song
from tests.segment_oracle import random_segments, window_share
from tests.synthetic import SEGMENTED_SCHEMA
from tfrecords_tools.features import PAPER_CHAIN

WINDOW = PAPER_CHAIN.window_frames / PAPER_CHAIN.frames_per_second


def of(rows):
    return Segments.of(SEGMENTED_SCHEMA, rows, label_arrays(SEGMENTED_SCHEMA, rows))


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_those_of_three_quarters(seed):
    rng, told = np.random.default_rng(seed), 0
    rows = [song([number % 3], 95.0, **(random_segments(rng, 25) if number % 3 else NOTHING)) for number in range(9)]
    segments = of(rows)
    places = sorted({(n, *at) for n, row in enumerate(rows) for at in zip(row["segments/start"], row["segments/end"])})
    assert len(segments) == len(places) and {0, 3, 6}.isdisjoint(segments.track)
    for item, (track, begin, end) in enumerate(places):
        assert (segments.track[item], segments.begin[item], segments.end[item]) == (track, begin, end)
        assert segments.labels["track"][item] == track and segments.labels["mood"][item, 0] == 1
        start, speed = begin * PAPER_CHAIN.frames_per_second, (end - begin) / WINDOW
        for name in SEGMENTED_SCHEMA.segmented:
            label, share = window_share(SEGMENTED_SCHEMA, rows[track], name, start, speed)
            if abs(share - 0.75) > 0.01:
                assert as_said(segments.labels, name, item) == (label if share > 0.75 else None)
                told += share > 0.75
    assert told > 20


def test_a_blank_is_the_songs_own_label_and_equal_places_are_one():
    segments = of([song([0], 90.0, **pieces((0, 5, [1], np.nan), (0, 5, [], 120.0), (5, 9, [], np.nan)))])
    assert segments.begin.tolist() == [0, 5] and segments.end.tolist() == [5, 9]
    assert segments.labels["genre"][:, 0].tolist() == [1, 0] and segments.labels["tempo"].tolist() == [120, 90]


def test_no_segment_at_all():
    segments = of([song([0], 90.0), song([1], 80.0)])
    assert len(segments) == 0 and set(segments.labels) >= {"genre", "tempo", "mood", "track"}
    assert all(len(column) == 0 for column in segments.labels.values())
