"""Conditions of each kind, and labels for them."""

import numpy as np

from dmml_tf.conditions import Judged, SameTrack, SharedTag, Within

GENRE = SharedTag("genre")
TEMPO = Within("tempo", 5.0)
OCTAVES = Within("octaves", 3.0, column="tempo", octave=True)
TRACK = SameTrack("track", width=0)
MOOD = SharedTag("feeling", column="mood")
VOTES = Judged("votes")
ALL = (GENRE, TEMPO, OCTAVES, TRACK, MOOD)


def every_pair(n):
    i, j = np.divmod(np.arange(n * n), n)
    return i, j


def track_labels(**columns):
    """Labels of one window from each of N tracks."""
    count = len(next(iter(columns.values())))
    return {
        "track": np.arange(count, dtype=np.int32),
        "start": np.zeros(count, np.int32),
        **{name: np.asarray(column) for name, column in columns.items()},
    }
