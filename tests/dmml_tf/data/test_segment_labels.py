"""Labels of windows against a look at every sample of them, and the cases that have to be thought of."""

import numpy as np
import pytest

from dmml_tf.conditions.labels import part_of
from dmml_tf.data.records import label_arrays, repeat_labels
from dmml_tf.data.segment_labels import label_windows, timelines
from tests.segment_oracle import random_segments, window_share
from tests.synthetic import SEGMENTED_SCHEMA
from tfrecords_tools.features import PAPER_CHAIN

NAMES = SEGMENTED_SCHEMA.segmented
WINDOW = PAPER_CHAIN.window_frames / PAPER_CHAIN.frames_per_second
NOTHING = {
    "segments/start": np.zeros(0, np.float32),
    "segments/end": np.zeros(0, np.float32),
    "segments/tags/genre": np.zeros((0, 2), np.int64),
    "segments/values/tempo": np.zeros(0, np.float32),
}


def song(genre=(), tempo=np.nan, **segments):
    labels = {"tags/genre": np.array(genre, int), "values/tempo": np.float32(tempo)}
    others = {"artist": "", "tags/mood": np.array([1]), "tags/instrument": np.zeros(0, int)}
    return {**labels, **others, **NOTHING, **segments}


def pieces(*pieces_of_song):
    """Segment fields of (begin, end, genres, tempo)."""
    return {
        "segments/start": np.array([piece[0] for piece in pieces_of_song], np.float32),
        "segments/end": np.array([piece[1] for piece in pieces_of_song], np.float32),
        "segments/tags/genre": np.array([(n, t) for n, piece in enumerate(pieces_of_song) for t in piece[2]]).reshape(
            -1, 2
        ),
        "segments/values/tempo": np.array([piece[3] for piece in pieces_of_song], np.float32),
    }


def label(rows, items, start, speeds=1.0):
    rows = [{**row, "timelines": timelines(SEGMENTED_SCHEMA, row)} for row in rows]
    tracks = label_arrays(SEGMENTED_SCHEMA, rows)
    return label_windows(tracks, rows, NAMES, np.array(items), np.array(start), PAPER_CHAIN, speeds)


def as_said(labels, name, window):
    """The label of one window as the oracle says it."""
    if name == "tempo":
        return None if np.isnan(labels[name][window]) else float(labels[name][window])
    return frozenset(int(tag) for tag in labels[name][window] if tag >= 0) or None


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_labelled_as_a_look_at_every_sample_says(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(12):
        own = rng.choice(3, size=rng.integers(0, 3), replace=False), rng.choice([np.nan, 90.0, 100.0])
        rows.append(song(*own, **(NOTHING if number % 4 == 3 else random_segments(rng, 25))))
    items, start = rng.integers(12, size=100), rng.integers(0, 1000, size=100)
    speeds = np.where(rng.random(100) < 0.5, 1, rng.uniform(0.7, 1.3, 100))
    labels = label(rows, items, start, speeds)
    seen = {True: 0, False: 0}
    for window, (item, first, speed) in enumerate(zip(items, start, speeds)):
        for name in NAMES:
            wanted, share = window_share(SEGMENTED_SCHEMA, rows[item], name, first, speed)
            if abs(share - 0.75) > 1e-3:
                enough = share > 0.75
                assert as_said(labels, name, window) == (wanted if enough else None)
                seen[enough] += 1
                changes = name in timelines(SEGMENTED_SCHEMA, rows[item])
                part = int(labels[part_of(name)][window])
                assert (part > 0, part < 0) == (changes and enough, changes and not enough)
    assert seen[True] > 60 and seen[False] > 20
    np.testing.assert_array_equal(labels["mood"], np.ones((100, 1)))
    np.testing.assert_array_equal(labels["start"], start)


def test_equal_parts_of_two_windows_are_equal_labels():
    rng = np.random.default_rng(9)
    labels = label([song([0, 2], 90, **random_segments(rng, 60))], np.zeros(400, int), rng.integers(0, 2500, 400))
    for name in NAMES:
        said = [as_said(labels, name, window) for window in range(400)]
        pairs = {(int(part), what) for part, what in zip(labels[part_of(name)], said) if part > 0}
        assert len(pairs) == len({part for part, _ in pairs}) == len({what for _, what in pairs}) > 1


def one(segments, name="genre", genre=(), tempo=np.nan, start=0):
    """The label of the window at a frame of one song, and its part."""
    labels = label([song(genre, tempo, **segments)], [0], [start])
    return as_said(labels, name, 0), int(labels[part_of(name)][0])


@pytest.mark.parametrize(
    "segments, expected",
    [
        (NOTHING, ({0}, 0)),
        (pieces((0, 500, (1,), np.nan)), ({1}, 2)),
        (pieces((0, 500, (0,), np.nan)), ({0}, 0)),  # it says what the song says
        (pieces((0, 500, (), 90)), ({0}, 0)),  # a blank cell: the song's own label holds
        (pieces((0, 0.75 * WINDOW, (1,), np.nan)), ({1}, 2)),  # three quarters are enough
        (pieces((0, 0.75 * WINDOW - 0.01, (1,), np.nan)), (None, -1)),
        (pieces((0, 0.25 * WINDOW, (1,), np.nan)), ({0}, 1)),
        (pieces((0, 1, (1, 2), np.nan), (1, 2, (2, 1), np.nan), (2, 3, (1, 2), 90)), ({1, 2}, 2)),
        (pieces((0, 2, (1,), np.nan), (1, 3, (1,), np.nan)), ({1}, 2)),  # what overlaps counts once
        (pieces((0, 1.2, (1,), np.nan), (0.1, 1.1, (1,), np.nan), (0.2, 1.0, (1,), np.nan)), (None, -1)),
        (pieces((0, 1.5, (1,), np.nan), (1.5, 3, (2,), np.nan)), (None, -1)),
        (pieces((5, 9, (1,), np.nan)), ({0}, 1)),  # all of it lies elsewhere
    ],
)
def test_tags(segments, expected):
    found, part = one(segments, genre=(0,))
    assert (found and set(found), part) == expected


def test_gaps_have_the_songs_own_label_or_none():
    gap = pieces((0, 0.8, (1,), 90), (2.2, 3, (1,), 90))
    assert one(gap) == (None, -1), "neither the gap nor what lies beside it covers three quarters"
    assert one(gap, "tempo", tempo=90) == (90.0, 0), "they say the same"
    assert one(pieces((0, 0.4, (1,), 90)), "tempo") == (None, 1), "unlabelled for the most part"
    assert one(pieces((0, 0.4, (1,), 90)), "tempo", tempo=80) == (80.0, 1)


def test_a_song_that_is_shorter_than_a_window_and_its_silence():
    short = pieces((0, 1.5, (1,), 90))
    assert one(short, genre=(0,)) == (None, -1), "behind the end is what lies outside of segments"
    assert one(pieces((0, 2.3, (1,), 90)), genre=(0,)) == ({1}, 2)


def test_a_faster_window_covers_more_of_its_song():
    segments = pieces((0, WINDOW, (1,), 120.0))
    rows, speeds = [song((0,), 60.0, **segments)], np.array([0.8, 1.0, 1.3, 1.4])
    labels = label(rows, np.zeros(4, int), np.zeros(4, int), speeds)
    assert labels["genre"][:, 0].tolist() == [1, 1, 1, -1]


def test_nothing_to_label():
    assert all(len(column) == 0 for column in label([song((0,))], np.zeros(0, int), np.zeros(0, int)).values())
    tracks = {"track": np.arange(3), "genre": np.array([[0], [1], [-1]])}
    items = np.array([2, 0, 0])
    found, wanted = label_windows(tracks, (), (), items, items), repeat_labels(tracks, items, items)
    assert found.keys() == wanted.keys() and all((found[name] == wanted[name]).all() for name in wanted)
