"""The law of the mix, channels that cancel, and a channel that sounds alone."""

import numpy as np
import pytest

from tfrecords_tools.audio.downmix import USUAL_CHANNELS, WEIGHTS, Downmix, mono_weights

RATE = 8_000
STEREO = ("FL", "FR")


def _mix(samples, names, piece=1_000):
    """The whole mix of [frames, channels], fed in pieces, and the notes."""
    downmix = Downmix(names, RATE)
    blocks = [mixed for at in range(0, len(samples), piece) for mixed in downmix.add(samples[at : at + piece])]
    return np.concatenate([np.zeros(0, np.float32), *blocks, *downmix.end()]), list(downmix.notes())


def _noise(seconds, channels, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (int(seconds * RATE), channels)).astype(np.float32)


def test_stereo_is_the_plain_mean_to_the_last_bit():
    samples = _noise(4, 2)
    mixed, notes = _mix(samples, STEREO)
    np.testing.assert_array_equal(mixed, (samples[:, 0] + samples[:, 1]) / np.float32(2))
    assert not notes


def test_surround_is_mixed_as_the_recommendation_says():
    # ITU-R BS.775-3, annex 4: 3/2 to 2/0, then the mean of both sides.
    left, right, centre, low, back_left, back_right = _noise(2, 6).T
    mixed, _ = _mix(np.stack([left, right, centre, low, back_left, back_right], 1), USUAL_CHANNELS[6])
    sides = [side + 0.7071 * centre + 0.7071 * surround for side, surround in ((left, back_left), (right, back_right))]
    np.testing.assert_allclose(mixed, np.mean(sides, 0), atol=1e-4)


def test_stereo_in_a_file_of_six_channels_sounds_as_in_one_of_two():
    stereo = _noise(4, 2)
    six = np.concatenate([stereo, np.zeros((len(stereo), 4), np.float32)], 1)
    np.testing.assert_array_equal(_mix(six, USUAL_CHANNELS[6])[0], _mix(stereo, STEREO)[0])


@pytest.mark.parametrize("count", range(1, 9))
def test_every_usual_layout_has_known_channels(count):
    assert len(USUAL_CHANNELS[count]) == count
    assert set(USUAL_CHANNELS[count]) <= set(WEIGHTS)


def test_names_nobody_knows_give_the_mean():
    np.testing.assert_allclose(mono_weights(("A", "B", "C", "D")), 0.25)


@pytest.mark.parametrize("side", (1, -1))
def test_one_side_upside_down_is_the_other_side(side):
    one = side * _noise(4, 1)[:, 0]
    mixed, (note,) = _mix(np.stack([one, -one], 1), STEREO)
    np.testing.assert_array_equal(mixed, one)
    assert note.kind == "channels" and "cancel each other for 4.0 s" in note.what


def test_of_sides_that_nearly_cancel_the_louder_is_taken():
    one, other = _noise(4, 2).T
    mixed, notes = _mix(np.stack([one + 0.05 * other, -1.1 * one], 1), STEREO)
    np.testing.assert_array_equal(mixed, np.float32(-1.1) * one)
    assert notes


def test_a_wide_image_is_mixed():
    one, other = _noise(4, 2).T
    samples = np.stack([one + 0.5 * other, -one + other], 1).astype(np.float32)  # correlated by -.32
    mixed, notes = _mix(samples, STEREO)
    np.testing.assert_allclose(mixed, samples.mean(1), atol=1e-6)
    assert not notes


@pytest.mark.parametrize("sounding", (0, 1))
def test_the_only_side_that_sounds_is_not_halved(sounding):
    samples = np.zeros((4 * RATE, 2), np.float32)
    samples[:, sounding] = _noise(4, 1)[:, 0]
    mixed, (note,) = _mix(samples, STEREO)
    np.testing.assert_array_equal(mixed, samples[:, sounding])
    assert "one of its 2 channels sounds alone for 4.0 s" in note.what


def test_a_file_that_cancels_in_a_part_only_is_mended_in_that_part():
    one = _noise(90, 1)[:, 0]
    samples = np.stack([one, one], 1)
    samples[30 * RATE : 60 * RATE, 1] *= -1
    mixed, (note,) = _mix(samples, STEREO, piece=7_919)
    np.testing.assert_array_equal(mixed, one)
    assert "for 30.0 s" in note.what


def test_where_it_cancels_for_less_than_a_stretch_less_than_a_second_is_lost_at_either_end():
    one = _noise(30, 1)[:, 0]
    samples = np.stack([one, one], 1)
    first, last = int(10.5 * RATE), int(16.7 * RATE)
    samples[first:last, 1] *= -1
    mixed, (note,) = _mix(samples, STEREO, piece=7_919)
    assert np.count_nonzero(mixed != one) < 2 * RATE
    assert "cancel each other for" in note.what


def test_a_side_that_cancels_does_not_change_within_a_stretch():
    one = _noise(10, 1)[:, 0]
    louder = np.where(np.arange(len(one)) // RATE % 2, 1.05, 0.95).astype(np.float32)
    samples = np.stack([one, -one * louder], 1)
    mixed, _ = _mix(samples, STEREO)
    np.testing.assert_array_equal(mixed, samples[:, 1])


def test_where_a_pair_cancels_while_the_loudest_is_silent_the_pair_is_heard():
    front, back = _noise(10, 1)[:, 0], _noise(10, 1, seed=1)[:, 0]
    samples = np.stack([front, front, back, -back], 1)
    samples[: 6 * RATE, 2:] = 0
    samples[6 * RATE :, :2] = 0
    mixed, _ = _mix(samples, USUAL_CHANNELS[4])
    np.testing.assert_array_equal(mixed[6 * RATE :], back[6 * RATE :])


def test_an_echo_that_ends_on_one_side_is_no_note():
    samples = _noise(10.011, 2)
    samples[10 * RATE :, 0] = 0.0
    assert not _mix(samples, STEREO)[1]


def test_silence_stays_silence_without_a_note():
    mixed, notes = _mix(np.zeros((4 * RATE, 2), np.float32), STEREO)
    assert not mixed.any() and len(mixed) == 4 * RATE and not notes


def test_the_mix_does_not_hang_on_how_blocks_are_cut():
    samples = _noise(40, 3)
    whole, _ = _mix(samples, USUAL_CHANNELS[3], piece=len(samples))
    np.testing.assert_array_equal(_mix(samples, USUAL_CHANNELS[3], piece=123)[0], whole)


@pytest.mark.parametrize("frames", (0, 1))
def test_nearly_nothing_is_mixed_without_a_warning(frames):
    assert len(_mix(_noise(1, 2)[:frames], STEREO)[0]) == frames


def test_blocks_come_out_as_long_as_they_went_in_where_no_stretch_ends():
    """Each cut is a call of the resampler, and costs time."""
    samples = _noise(12, 2)
    downmix = Downmix(STEREO, RATE)
    blocks = [mixed for at in range(0, len(samples), 12_000) for mixed in downmix.add(samples[at : at + 12_000])]
    assert [len(mixed) for mixed in (*blocks, *downmix.end())] == [*[12_000] * 6, 8_000, 4_000, 12_000]


def test_the_blocks_that_are_mixed_are_left_as_they_are():
    one = _noise(4, 1)[:, 0]
    samples = np.stack([one, -one], 1)
    before = samples.copy()
    _mix(samples, STEREO)
    np.testing.assert_array_equal(samples, before)
