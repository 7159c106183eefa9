"""What labels tell, against loops over tags and places."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.told import CIRCLE, ON_CIRCLE, ON_SCALE, PLACES, SCALE, bumps, told_in, told_widths
from dmml_tf.data.windows import Sound, Windows
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions(
    [SharedTag("genre", width=64), Within("tempo", 5.0, width=64, octave=True), SameTrack("track", width=0)]
)


def windows(**labels):
    count = len(next(iter(labels.values())))
    sound = Sound(np.zeros((count, 129, 128), np.float16), np.zeros((count, 2), np.float32))
    return Windows(sound, {"track": np.arange(count), **labels}, ["a"] * count)


def standard(height):
    height = np.array(height)
    return (height - height.mean()) / height.std()


def test_bumps_stand_at_the_tempo_on_the_circle_of_octaves_and_on_the_scale():
    for tempo in (61.3, 90.0, 120.0, 187.5):
        told = bumps(np.array([tempo]))[0]
        circle = []
        for place in range(CIRCLE):
            octaves = np.log2(tempo) - place / CIRCLE
            circle.append(np.exp(-0.5 * (min(octaves % 1, -octaves % 1) / ON_CIRCLE) ** 2))
        scale = [np.exp(-0.5 * (np.log2(tempo / place) / ON_SCALE) ** 2) for place in SCALE]
        np.testing.assert_allclose(told, np.concatenate([standard(circle), standard(scale)]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(told[:CIRCLE], bumps(np.array([2 * tempo]))[0, :CIRCLE], atol=1e-4)
    near, far = (np.linalg.norm(bumps(np.array([120.0])) - bumps(np.array([other]))) for other in (122.0, 150.0))
    assert near < far / 3


def test_a_tempo_beyond_the_scale_stands_at_its_end():
    slow, end = bumps(np.array([20.0, SCALE[0]]))
    np.testing.assert_allclose(slow[CIRCLE:], end[CIRCLE:], atol=1e-5)


def test_no_tempo_is_told_of_none():
    assert np.isnan(bumps(np.array([np.nan, 0.0, -3.0]))).all()


def test_tags_of_any_number_count_the_same():
    told = told_in(windows(genre=np.array([[2, -1], [-1, -1], [0, 2]])), CONDITIONS, "genre", 9)
    np.testing.assert_array_equal(told[0], [0, 0, 3, 0, 0, 0, 0, 0, 0])
    assert np.isnan(told[1]).all(), "unlabelled"
    np.testing.assert_array_equal(told[2], [3, 0, 3, 0, 0, 0, 0, 0, 0])


def test_a_mixed_window_carries_the_tags_of_both_by_their_shares():
    mixed = {"mixed_with": np.array([1, 2, 0]), "mixed_share": np.array([0.25, 0.0, 0.5], np.float32)}
    told = told_in(windows(genre=np.array([[0], [1], [-1]]), **mixed), CONDITIONS, "genre", 4)
    np.testing.assert_allclose(told[:2], [[1.5, 0.5, 0, 0], [0, 2, 0, 0]])
    assert np.isnan(told[2]).all()


def test_what_cannot_be_told_is_refused():
    assert told_widths(CONDITIONS, {"genre": 7}, {"tempo": 1.0, "genre": 0.1}) == {"genre": 7, "tempo": PLACES}
    plain = Conditions([Within("tempo", 5.0, width=64)])
    for conditions, name in ((CONDITIONS, "track"), (CONDITIONS, "mood"), (plain, "tempo")):
        with pytest.raises(UserError, match=f"config.objective.labels: '{name}' has no labels to copy"):
            told_widths(conditions, {"genre": 7}, {name: 1.0})
