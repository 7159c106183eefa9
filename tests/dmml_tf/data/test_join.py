"""Two batches of windows as one."""

import numpy as np

from dmml_tf.data.join import join_windows
from dmml_tf.data.windows import Sound, Windows


def windows(ids, **labels):
    held = np.arange(len(ids) * 6, dtype=np.float16).reshape(len(ids), 3, 2) + np.float16(100 * len(ids))
    sound = Sound(held, np.arange(len(ids) * 2, dtype=np.float32).reshape(-1, 2) - len(ids))
    return Windows(sound, {"track": np.arange(len(ids), dtype=np.int32), **labels}, list(ids))


def test_columns_are_unlabelled_where_they_were_missing():
    first = windows(
        "ba",
        genre=np.array([[1], [2]], np.int32),
        tempo=np.array([90, np.nan], np.float32),
        start=np.array([3, 4], np.int32),
    )
    second = windows(
        "bcb",
        genre=np.array([[5, 6], [7, -1], [-1, -1]], np.int32),
        votes=np.array([[0], [1], [2]], np.int32),
        start=np.array([7, 8, 9], np.int32),
    )
    both = join_windows(first, second)
    for joined, part, other in zip(both.sound, first.sound, second.sound):
        np.testing.assert_array_equal(joined, np.concatenate([part, other]))
        assert joined.dtype == part.dtype
    assert both.track_ids == ["b", "a", "b", "c", "b"]
    assert both.labels["genre"].tolist() == [[1, -1], [2, -1], [5, 6], [7, -1], [-1, -1]]
    assert both.labels["votes"].tolist() == [[-1], [-1], [0], [1], [2]]
    np.testing.assert_array_equal(both.labels["tempo"], np.float32([90, np.nan, np.nan, np.nan, np.nan]))
    assert both.labels["start"].tolist() == [3, 4, 7, 8, 9]
    assert {name: column.dtype.name for name, column in both.labels.items()} == {
        "genre": "int32",
        "tempo": "float32",
        "votes": "int32",
        "start": "int32",
        "track": "int32",
    }


def test_a_song_of_both_is_one_track():
    track = join_windows(windows("ba"), windows("bcb")).labels["track"]
    assert track[0] == track[2] == track[4] and len({*track[:2], track[3]}) == 3


def test_nothing_joined_changes_nothing_but_the_tracks_numbers():
    first, nothing = windows("ba", genre=np.array([[1], [2]], np.int32)), windows("")
    both = join_windows(first, nothing)
    assert both.labels["genre"].tolist() == [[1], [2]] and both.labels["track"].tolist() == [1, 0]
    np.testing.assert_array_equal(both.sound.held, first.sound.held)
    np.testing.assert_array_equal(both.sound.gains, first.sound.gains)
