"""Windows joined to stretches, against a rule written out with angles and plain loops."""

import math

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.search.join_windows import LEAST_COSINE, join_windows
from tests.dmml_tf.search.made import CONDITIONS
from tests.dmml_tf.search.test_index import cosine


def brute_force(windows, parts, least) -> list[int]:
    firsts = [0]
    for place in range(1, len(windows)):
        mean = np.mean(windows[firsts[-1] : place].astype(np.float64), axis=0)
        if any(cosine(mean[part], windows[place][part]) < least for part in parts):
            firsts.append(place)
    return [*firsts, len(windows)]


@pytest.mark.parametrize("seed", range(6))
def test_as_written_out(seed):
    rng = np.random.default_rng(seed)
    songs = np.repeat(rng.normal(size=(5, CONDITIONS.size)), rng.integers(1, 5, 5), axis=0)
    windows = (songs + rng.normal(0, 0.4, songs.shape)).astype(np.float32)
    numbers = set()
    for least in (-1.0, 0.0, 0.4, LEAST_COSINE, 0.9, 1.1):
        bounds = join_windows(windows, CONDITIONS, least).tolist()
        assert bounds == brute_force(windows, CONDITIONS.subspaces.values(), least)
        numbers.add(len(bounds))
    assert len(numbers) > 2
    assert join_windows(windows, CONDITIONS, -1.0).tolist() == [0, len(windows)]
    assert join_windows(windows, CONDITIONS, 1.1).tolist() == [*range(len(windows) + 1)]


def test_one_sub_space_that_changes_is_enough():
    two = Conditions([SharedTag("genre", width=2), SharedTag("mood", width=2)])
    windows = np.array([[1, 0, 1, 0]] * 3 + [[1, 0, 0, 1]] * 2 + [[0, 1, 0, 1]], np.float32)
    assert join_windows(windows, two).tolist() == [0, 3, 5, 6]
    whole = Conditions([SameTrack("track", width=0)])
    assert join_windows(windows, whole, 0.5).tolist() == [0, 5, 6]  # cosines 1/2 and 2/sqrt(76)


def test_the_threshold_itself_joins_and_degenerate_songs():
    one = Conditions([SharedTag("genre", width=2)])
    angle = math.acos(0.5)
    windows = np.array([[1, 0], [math.cos(angle), math.sin(angle)]])
    least = float(windows[1, 0])
    assert join_windows(windows, one, least).tolist() == [0, 2]
    assert join_windows(windows, one, math.nextafter(least, 1) + 1e-15).tolist() == [0, 1, 2]
    assert join_windows(windows[:1], one).tolist() == [0, 1]
    assert join_windows(np.zeros((3, 2), np.float32), one).tolist() == [0, 1, 2, 3]  # no direction: unlike everything
