"""Varied windows against what is known of a song at another speed, at another pitch, and of two songs at once."""

import librosa
import numpy as np
import pytest

from dmml_tf.data.pipeline import BatchPlan, triplet_dataset, window_batches
from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import LOG_MEL, SampleSignal
from dmml_tf.data.variation import NONE, Variation, blank, cut_at_speed, cut_varied, mix_windows, shift_pitch
from tests.dmml_tf.data.test_pipeline import CONDITIONS
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN


def ramp(frames=400, bands=128):
    return np.repeat(np.arange(frames, dtype=np.float32)[:, None], bands, axis=1)


@pytest.mark.parametrize("speed", [0.78, 1.0, 1.28])
def test_a_window_at_a_speed_is_the_song_read_at_that_speed(speed):
    window = cut_at_speed(ramp(), 20, speed, 129)
    assert window.shape == (129, 128) and window.dtype == np.float32
    np.testing.assert_allclose(window[:, 5], 20 + speed * np.arange(129), atol=1e-3)


def test_behind_the_end_is_silence():
    window = cut_at_speed(ramp(100), 40, 1.25, 129)
    assert window[40, 0] == 90 and not window[50:].any()


def test_speed_one_is_the_plain_cut():
    frames = np.random.default_rng(0).random((300, 128)).astype(np.float16)
    np.testing.assert_array_equal(cut_at_speed(frames, 33, 1.0, 129), LOG_MEL.cut({"log_mel": frames}, 33))


def peak_band(hertz):
    """The band in which a tone is loudest, by the chain itself."""
    time = np.arange(66150) / PAPER_CHAIN.sample_rate
    return PAPER_CHAIN.extract(np.sin(2 * np.pi * hertz * time).astype(np.float32)).mean(0)


@pytest.mark.parametrize("semitones", [-4, -1.5, 3, 4])
def test_a_shifted_tone_is_where_the_tone_of_that_pitch_is(semitones):
    window = np.tile(peak_band(1500.0), (129, 1))[None].astype(np.float32)

    class Drawn:
        def integers(self, low, high, size):
            assert low <= 2 * semitones < high
            return np.full(size, int(2 * semitones))

    moved = shift_pitch(window, 4, PAPER_CHAIN, Drawn())[0, 0]
    wanted = peak_band(1500.0 * 2 ** (semitones / 12))
    assert abs(int(moved.argmax()) - int(wanted.argmax())) <= 1
    same = shift_pitch(window, 0, PAPER_CHAIN, np.random.default_rng(0))
    np.testing.assert_allclose(same, window, atol=1e-6)


def test_a_mix_has_the_magnitudes_of_both():
    rng = np.random.default_rng(0)
    windows = rng.random((6, 129, 128)).astype(np.float32) * 2
    track = np.array([0, 0, 1, 1, 2, 2])
    able = track[:, None] != track[None]
    mixed, other, share = mix_windows(windows, 0.7, -18.0, able, np.random.default_rng(3))
    assert 0 < (share > 0).sum() < 6
    magnitudes = PAPER_CHAIN.mel_magnitude(windows)
    for n, (partner, part) in enumerate(zip(other, share)):
        assert part <= 0.5 and (part == 0 or n // 2 != partner // 2)
        level = part / (1 - part)
        assert part == 0 or 10 ** (-18 / 20) <= level <= 1
        wanted = np.log10(1 + PAPER_CHAIN.gain * (magnitudes[n] + level * magnitudes[partner]))
        np.testing.assert_allclose(mixed[n], wanted, atol=1e-4)


def labelled(count, **columns):
    rows = [{"log_mel": np.random.default_rng(n).random((400, 128)).astype(np.float16)} for n in range(count)]
    return rows, {"track": np.arange(count), "start": np.zeros(count, np.int32), **columns}


def cut_and_vary(rows, labels, variation):
    rng = np.random.default_rng(0)
    speeds = variation.draw_speeds(labels["track"], rng)
    return cut_varied(rows, labels["start"], labels, speeds, variation, rng, LOG_MEL)[1]


def test_windows_are_mixed_within_a_column_alone():
    source = np.array([[0], [0], [0], [1], [1], [-1]] * 20)
    rows, labels = labelled(len(source), source=source)
    variation = Variation(mixed=1.0, mixed_within="source")
    varied = cut_and_vary(rows, labels, variation)
    mixed = np.flatnonzero(varied["mixed_share"])
    assert {source[n, 0] for n in mixed} == {0, 1}, "an unlabelled window is mixed with none"
    assert (source[mixed] == source[varied["mixed_with"][mixed]]).all()


def test_a_column_to_mix_within_that_is_not_there_is_refused_before_the_pipeline_runs(synthetic):
    plan = BatchPlan(tracks=4, triplets=8, pool=8, variation={"mixed": 0.5, "mixed_within": "source"})
    with pytest.raises(
        UserError, match="mixed_within: the records have no column 'source' of tags; they have: .*genre"
    ):
        triplet_dataset(synthetic, "train", CONDITIONS, plan, 1, seed=0)


def test_a_window_with_another_song_in_it_has_no_tempo():
    rows, labels = labelled(60, tempo=np.full(60, 120.0, np.float32))
    varied = cut_and_vary(rows, labels, Variation(mixed=0.8))
    mixed = varied["mixed_share"] > 0
    assert 30 < mixed.sum() < 60
    np.testing.assert_array_equal(varied["tempo"], np.where(mixed, np.nan, 120))


def test_blanked_are_one_run_of_bands_and_one_of_frames():
    windows = np.ones((40, 129, 128), np.float32)
    blank(windows, 0.2, np.random.default_rng(0))
    lengths = []
    for window in windows:
        bands, frames = (~window.any(axis=axis) for axis in (0, 1))
        np.testing.assert_array_equal(window == 0, frames[:, None] | bands[None])
        for silent in (bands, frames):
            assert np.count_nonzero(np.diff(silent.astype(int), prepend=0, append=0)) in (0, 2)
        lengths.append((bands.sum(), frames.sum()))
    assert np.max(lengths) <= 25 and np.ptp(lengths, axis=0).min() > 15


def test_without_variation_no_choice_is_drawn_and_windows_are_cut_as_ever():
    rng = np.random.default_rng(0)
    rows = [{"log_mel": np.random.default_rng(n).random((200, 128)).astype(np.float16)} for n in range(3)]
    labels = {"track": np.arange(3), "start": np.array([0, 30, 71])}
    speeds = NONE.draw_speeds(labels["track"], rng)
    windows, same = cut_varied(rows, labels["start"], labels, speeds, NONE, rng, LOG_MEL)
    np.testing.assert_array_equal(windows, [LOG_MEL.cut(row, start) for row, start in zip(rows, labels["start"])])
    assert same == labels and rng.random() == np.random.default_rng(0).random()


def test_the_tempo_goes_with_the_speed_and_two_windows_of_each_track_have_one(synthetic):
    data = synthetic
    plan = BatchPlan(tracks=4, windows=3, triplets=8, pool=8, variation={"speed": 0.25, "mixed": 0.5})
    batch = next(window_batches(data, "train", CONDITIONS, plan, np.random.default_rng(0)))
    plain = {row["track_id"]: row["values/tempo"] for row in read_tracks(data, "train")}
    labels = batch.labels
    one = labels["mixed_share"] == 0
    wanted = np.where(one, [plain[i] for i in batch.track_ids] * labels["speed"], np.nan)
    np.testing.assert_allclose(labels["tempo"], wanted, rtol=1e-5)
    speeds = labels["speed"].reshape(4, 3)
    assert all(len(set(row)) == 2 for row in speeds.tolist())
    assert np.exp(-0.25) <= speeds.min() and speeds.max() <= np.exp(0.25)
    assert np.isfinite(batch.sound.held).all() and batch.sound.held.dtype == np.float32


def test_the_same_seed_gives_the_same_windows(synthetic):
    plan = BatchPlan(tracks=4, triplets=8, pool=8, variation=Variation(speed=0.1, pitch=2, mixed=0.5))
    first, second = (
        next(window_batches(synthetic, "train", CONDITIONS, plan, np.random.default_rng(5))) for _ in range(2)
    )
    np.testing.assert_array_equal(first.sound.held, second.sound.held)


@pytest.mark.parametrize("fields", [{"speed": -1}, {"pitch": 30}, {"mixed": 2}, {"mixed_db": 3}, {"blanked": 1}])
def test_limits_out_of_range_are_refused(fields):
    with pytest.raises(UserError, match="config.batch.variation"):
        BatchPlan(variation=fields)


def test_unknown_fields_and_networks_on_samples_are_refused():
    with pytest.raises(UserError, match="no field 'speeed'; known are: speed, pitch"):
        BatchPlan(variation={"speeed": 1})
    with pytest.raises(UserError, match="takes samples; leave it out"):
        Variation(speed=0.1).require(SampleSignal(PAPER_CHAIN), ())
    NONE.require(SampleSignal(PAPER_CHAIN), ())


def test_centres_are_librosas():
    """The shift goes by the centres of the chain's own filters."""
    centres = librosa.mel_frequencies(130, fmin=0.0, fmax=PAPER_CHAIN.sample_rate / 2)[1:-1]
    filters = PAPER_CHAIN.mel_filters()
    hertz = np.linspace(0, PAPER_CHAIN.sample_rate / 2, filters.shape[1])
    weighted = filters @ hertz / filters.sum(1)
    np.testing.assert_allclose(weighted[40:], centres[40:], rtol=0.02)
