"""Windows of one track."""

import numpy as np

from tests.dmml_tf.conditions.made import TRACK
from tfrecords_tools.features import PAPER_CHAIN


def test_windows_of_one_track_overlap_by_at_most_half():
    labels = {"track": np.zeros(3, np.int32), "start": np.array([100, 164, 165], np.int32)}
    # 129 frames: a distance of 64 leaves 65 in common, more than half; 65 leaves 64.
    assert TRACK.similar(labels, [0, 0, 1], [1, 2, 2], PAPER_CHAIN.half_window).tolist() == [False, True, False]
    assert not TRACK.similar(labels, [0], [0], 0).any()
