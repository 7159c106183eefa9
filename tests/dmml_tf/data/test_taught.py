"""Triplets by a teacher's distances and by speed, against loops over all of them."""

import numpy as np

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.signal import LOG_MEL
from dmml_tf.data.taught import LEAST_GAP, OTHER_SPEED, SAME_SPEED, draw_by_speed, draw_taught, heard_in, taught_form
from dmml_tf.data.told import PLACES
from dmml_tf.data.windows import Sound, Windows
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.sources.teacher import Teacher

RNG = np.random.default_rng
CONDITIONS = Conditions([SharedTag("genre", width=128), Within("tempo", 5.0, width=128), SameTrack("track", width=0)])


def teacher(rows=20):
    numbers = RNG(0).integers(-60, 60, (2 * rows, 3)).astype(np.int8)
    spaces = {"genre": numbers, "whole": RNG(1).integers(-60, 60, (2 * rows, 2)).astype(np.int8)}
    return Teacher(["a", "b"], np.array([0, rows, 2 * rows]), 3.0, spaces, {"genre": 1 / 32, "whole": 1 / 16})


def windows(ids, **labels):
    track = np.unique(ids, return_inverse=True)[1].astype(np.int32)
    start = np.arange(len(ids), dtype=np.int32) * 70
    tags = np.arange(len(ids), dtype=np.int32)[:, None] % 2
    columns = {"track": track, "start": start, "genre": tags, "tempo": np.full(len(ids), np.nan, np.float32), **labels}
    sound = Sound(np.zeros((len(ids), 129, 128), np.float16), np.zeros((len(ids), 2), np.float32))
    return Windows(sound, columns, list(ids))


def test_taught_triplets_have_the_gap_by_brute_force():
    heard = RNG(0).normal(size=(12, 5)).astype(np.float32)
    heard[[3, 8]] = np.nan
    found = draw_taught(heard, 200, RNG(1))
    assert len(found) > 50 and found.dtype == np.int32 and not {3, 8} & set(found.ravel().tolist())
    shares = np.exp(heard.astype(np.float64))
    for a, p, n in found:
        near, far = (shares[a] @ shares[i] / np.linalg.norm(shares[a]) / np.linalg.norm(shares[i]) for i in (p, n))
        assert near - far > LEAST_GAP - 1e-6 and a != p


def test_too_few_heard_windows_give_no_triplet():
    heard = np.full((5, 2), np.nan, np.float32)
    heard[:2] = 0
    assert draw_taught(heard, 9, RNG(0)).shape == (0, 3)
    assert draw_taught(np.zeros((5, 2), np.float32), 9, RNG(0)).shape == (0, 3)  # all alike
    assert draw_taught(RNG(0).normal(size=(5, 2)).astype(np.float32), 0, RNG(0)).shape == (0, 3)


def test_speed_triplets_are_of_one_song_by_brute_force():
    track = np.repeat(np.arange(4), 3)
    speed = np.exp(RNG(0).uniform(-0.25, 0.25, 12))
    speed[1::3] = speed[::3]
    found = draw_by_speed({"track": track, "speed": speed}, 1000, RNG(0))
    logs = np.log(speed)
    every = {
        (a, p, n)
        for a in range(12)
        for p in range(12)
        for n in range(12)
        if a != p
        and track[a] == track[p] == track[n]
        and abs(logs[a] - logs[p]) < SAME_SPEED
        and abs(logs[a] - logs[n]) > OTHER_SPEED
    }
    assert every and {tuple(row) for row in found.tolist()} == every
    assert len(draw_by_speed({"track": track, "speed": speed}, 2, RNG(0))) == 2
    assert draw_by_speed({"track": track}, 5, RNG(0)).shape == (0, 3)


def test_a_mixed_window_is_in_no_triplet_of_speeds():
    track, speed = np.zeros(4, int), np.array([1.0, 1.0, 1.0, 1.2])
    labels = {"track": track, "speed": speed, "mixed_share": np.array([0.0, 0.0, 0.2, 0.0])}
    found = {tuple(row) for row in draw_by_speed(labels, 99, RNG(0)).tolist()}
    assert found == {(0, 1, 3), (1, 0, 3)}


def test_a_mixed_window_heard_the_mean_of_both():
    ids = ["a", "b", "unknown", "a"]
    mixed = {"mixed_with": np.array([1, 0, 0, 2], np.int32), "mixed_share": np.array([0.25, 0, 0, 0.5], np.float32)}
    plain = heard_in(windows(ids), teacher(), "genre", PAPER_CHAIN)
    found = heard_in(windows(ids, **mixed), teacher(), "genre", PAPER_CHAIN)
    np.testing.assert_allclose(found[0], 0.75 * plain[0] + 0.25 * plain[1], rtol=1e-6)
    np.testing.assert_array_equal(found[1], plain[1])
    assert np.isnan(found[2:]).all(), "the fourth has in it what the teacher did not hear"


def test_the_middle_of_a_faster_window_is_later():
    frame = PAPER_CHAIN.window_frames / 2 / PAPER_CHAIN.frames_per_second
    slow, fast = (
        heard_in(windows(["a"], speed=np.array([speed])), teacher(), "genre", PAPER_CHAIN) for speed in (1.0, 3.0)
    )
    np.testing.assert_allclose(slow, teacher().heard("genre", ["a"], np.array([frame])))
    np.testing.assert_allclose(fast, teacher().heard("genre", ["a"], np.array([3 * frame])))


def test_heard_and_labelled_songs_are_never_compared_under_a_taught_condition():
    ids = ["a", "a", "b", "b", "x", "x", "y", "z"]
    form = taught_form(CONDITIONS, 400, teacher(), LOG_MEL, {"genre": 1.0, "whole": 0.5})
    inputs, condition, weights = form.make(windows(ids), RNG(0))
    assert inputs["heard"].shape == (8, 5) and np.isnan(inputs["heard"][4:]).all()
    assert len(condition) == len(weights) == len(inputs["triplets"]) <= 400
    of_genre = inputs["triplets"][condition == 0]
    heard = of_genre < 4
    assert (heard.all(axis=1) | ~heard.any(axis=1)).all() and heard.any() and not heard.all()


def test_labels_are_told_of_what_the_teacher_did_not_hear():
    ids = ["a", "a", "b", "x", "x", "y"]
    tempo = np.array([np.nan, 90, 90, 90, 100, np.nan], np.float32)
    conditions = Conditions([SharedTag("genre", width=128), Within("tempo", 5.0, width=128, octave=True)])
    form = taught_form(conditions, 50, teacher(), LOG_MEL, {"genre": 1.0}, {"genre": 4, "tempo": PLACES})
    inputs, *_ = form.make(windows(ids, tempo=tempo), RNG(0))
    assert inputs["heard"].shape == (6, 3 + 4 + PLACES) == (6, form.tensors[0]["heard"].shape[1])
    heard, genre, told = np.split(inputs["heard"], [3, 7], axis=1)
    np.testing.assert_array_equal(np.isnan(heard).any(axis=1), [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(np.isnan(genre).any(axis=1), [1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(genre[3:], [[0, 2, 0, 0], [2, 0, 0, 0], [0, 2, 0, 0]])
    np.testing.assert_array_equal(np.isnan(told).any(axis=1), np.isnan(tempo))


def test_a_known_tempo_is_compared_by_value_and_an_unknown_one_by_speed():
    ids = ["a", "a", "a", "b", "c", "d"]
    tempo = np.array([np.nan, np.nan, np.nan, 100, 102, 150], np.float32)
    speed = np.array([1, 1, 1.2, 1, 1, 1], np.float32)
    form = taught_form(CONDITIONS, 300, teacher(), LOG_MEL, {"genre": 1.0})
    inputs, condition, _ = form.make(windows(ids, tempo=tempo, speed=speed), RNG(0))
    rows = {tuple(row) for row in inputs["triplets"][condition == 1].tolist()}
    assert rows == {(0, 1, 2), (1, 0, 2), (3, 4, 5), (4, 3, 5)}


def test_a_song_whose_tempo_changes_is_not_compared_by_speed():
    ids = ["a", "a", "a", "b", "b", "b", "c", "d"]
    tempo = np.array([np.nan] * 6 + [100, 102], np.float32)
    speed = np.array([1, 1, 1.2, 1, 1, 1.2, 1, 1], np.float32)
    form = taught_form(CONDITIONS, 300, teacher(), LOG_MEL, {"genre": 1.0})
    part = np.array([-1, -1, 1, 0, 0, 0, 0, 0], np.int32)  # of "a" two windows lie on a change, one where none is known
    inputs, condition, _ = form.make(windows(ids, tempo=tempo, speed=speed, **{"part/tempo": part}), RNG(0))
    assert {tuple(row) for row in inputs["triplets"][condition == 1].tolist()} == {(3, 4, 5), (4, 3, 5)}
