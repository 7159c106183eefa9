"""Two recordings laid over one another: against loops, and on copies of made tunes."""

import numpy as np
import pytest

from dmml_tf.library.same_recording import CHAIN, LEAST_OVERLAP, ROWS_PER_SECOND, SAME, _best_lag, align, sound_print
from tests.dmml_tf.library.tunes import RATE, tune


def printed(samples):
    return sound_print(CHAIN.extract(samples))


@pytest.fixture(scope="module")
def song():
    return tune(0)


def test_the_lag_by_loops():
    rng = np.random.default_rng(1)
    for case in range(20):
        length = rng.integers(20, 40)
        a = rng.normal(size=(length, 3)).astype(np.float32)
        b = np.roll(a, rng.integers(-5, 6), axis=0)[: rng.integers(16, length + 1)] + rng.normal(0, 0.5, 3)
        found = {}
        for lag in range(-len(b) + 1, len(a)):
            begin, end = max(0, lag), min(len(a), lag + len(b))
            if end - begin >= LEAST_OVERLAP * max(len(a), len(b)):
                x, y = a[begin:end], b[begin - lag : end - lag]
                found[lag] = (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())
        expected = max(found, key=found.get) if found else None
        assert _best_lag(a, b.astype(np.float32)) == expected, case


@pytest.mark.parametrize(
    "copy",
    [
        lambda song: song,
        lambda song: song / 2,
        lambda song: np.round(song * 200).astype(np.float32) / 200,
        lambda song: np.concatenate([np.zeros(1105, np.float32), song]),
    ],
    ids=["itself", "6 dB less", "few bits", "an encoder's delay"],
)
def test_a_copy_is_the_same(song, copy):
    alignment = align(printed(song), printed(copy(song)))
    assert alignment.similarity > SAME + 0.05
    assert abs(alignment.offset) < 0.06


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.511, 1.37])
def test_a_cut_copy_is_the_same_and_begins_later(song, cut):
    whole, rest = printed(song), printed(song[round(cut * RATE) :])
    there, back = align(whole, rest), align(rest, whole)
    assert there.similarity > SAME < back.similarity
    # A quarter of a row, which is what is looked at, and the frames' own place.
    assert there.offset == pytest.approx(cut, abs=0.3 / ROWS_PER_SECOND)
    assert back.offset == pytest.approx(-cut, abs=0.3 / ROWS_PER_SECOND)


def test_other_songs_are_not(song):
    others = [printed(tune(seed)) for seed in range(1, 12)]
    assert max(align(printed(song), other).similarity for other in others) < 0.6


def test_the_same_chords_under_another_voice_are_not(song):
    level = np.sqrt((song**2).mean())
    voice = tune(77)
    voice *= level / np.sqrt((voice**2).mean()) / 2  # 6 dB below
    assert align(printed(song), printed(song + voice)).similarity < SAME


def test_an_edit_of_which_a_part_differs_is_not(song):
    half = len(song) // 2
    edit = np.concatenate([song[:half], tune(5)[half:]])
    assert align(printed(song), printed(edit)).similarity < SAME


def test_the_first_half_of_a_song_is_not_the_song(song):
    assert align(printed(song), printed(song[: len(song) // 2])).similarity == 0


def test_silence_between_parts_says_nothing():
    whole = np.concatenate([tune(3, 4.0), np.zeros(4 * RATE, np.float32), tune(4, 4.0)])
    hiss = np.random.default_rng(0).normal(0, 1e-5, len(whole)).astype(np.float32)
    assert align(printed(whole), printed(whole + hiss)).similarity > SAME


def test_what_never_changes_is_not_called_the_same():
    still = np.full((200, 32), 9, np.uint8)
    assert align(still, still + 1).similarity == align(still, still).similarity == 0
