"""MFCC-VQ against librosa and scikit-learn."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin

from dmml_tf.baselines.mfcc_vq import MfccVq, mfcc_frames
from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import whole_windows
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel


@pytest.fixture(scope="module")
def fitted(synthetic):
    return MfccVq(codewords=64, frames=8000, seed=3).fit(synthetic)


def test_mfcc_of_a_log_mel_are_librosas_of_the_audio():
    rng, chain = np.random.default_rng(0), LogMel()
    time = np.arange(4 * chain.sample_rate) / chain.sample_rate
    audio = np.sin(2 * np.pi * 440 * time * (1 + 0.1 * time)) * 0.3 + 0.05 * rng.normal(size=len(time))
    found = mfcc_frames(chain.extract(audio), chain)
    mel = librosa.feature.melspectrogram(
        y=audio.astype(np.float32), sr=chain.sample_rate, n_fft=1024, hop_length=512, power=1.0
    )[:, : len(found)]
    mfcc = librosa.feature.mfcc(S=librosa.amplitude_to_db(mel), n_mfcc=13)
    expected = np.concatenate([mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)]).T
    assert found.shape == (4 * chain.sample_rate // 512, 39) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_mfcc_of_records_equal_librosas(synthetic):
    chain = LogMel()
    for row in read_tracks(synthetic, "valid"):
        decibels = librosa.amplitude_to_db(chain.mel_magnitude(row["log_mel"]).T)
        mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=13)
        expected = np.concatenate([mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)]).T
        np.testing.assert_array_equal(mfcc_frames(row["log_mel"], chain), expected.astype(np.float32))


@pytest.mark.spawns
def test_mfcc_need_nothing_that_numba_compiles():
    code = (
        "import sys, numpy as np\n"
        "from dmml_tf.baselines.mfcc_vq import mfcc_frames\n"
        "from tfrecords_tools.features import LogMel\n"
        "assert mfcc_frames(np.zeros((200, 128), np.float16), LogMel()).shape == (200, 39)\n"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_a_short_and_a_silent_track_have_frames():
    for log_mel in (np.full((3, 128), 0.2, np.float16), np.zeros((200, 128), np.float16)):
        frames = mfcc_frames(log_mel, LogMel())
        assert frames.shape == (max(len(log_mel), 129), 39)
        assert np.isfinite(frames).all()


def test_codes_are_the_nearest_codewords(synthetic, fitted):
    frames = np.concatenate([mfcc_frames(row["log_mel"], LogMel()) for row in read_tracks(synthetic, "valid")])
    scaled = (frames - fitted._mean) / fitted._deviation
    expected = pairwise_distances_argmin(scaled, fitted._kmeans.cluster_centers_)
    assert (fitted.codes(frames) == expected).mean() > 0.999  # ties of rounding
    assert len(np.unique(expected)) > 32


def test_the_z_score_is_that_of_the_training_frames(synthetic):
    model = MfccVq(codewords=8, frames=10**6).fit(synthetic)
    frames = np.concatenate([mfcc_frames(row["log_mel"], LogMel()) for row in read_tracks(synthetic, "train")])
    np.testing.assert_allclose(model._mean, frames.mean(axis=0, dtype=np.float64), atol=1e-3)
    np.testing.assert_allclose(model._deviation, frames.std(axis=0, dtype=np.float64), rtol=1e-3)


def test_histograms_are_counts_of_codes(synthetic, fitted):
    embedded = fitted.embed_split(synthetic, "test")
    assert embedded.vectors.shape == (16, 64) and embedded.windows.shape == (48, 64)
    np.testing.assert_allclose(embedded.vectors.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(embedded.windows.sum(axis=1), 1.0, rtol=1e-5)
    for number, row in enumerate(read_tracks(synthetic, "test")):
        codes = fitted.codes(mfcc_frames(row["log_mel"], LogMel()))
        np.testing.assert_allclose(embedded.vectors[number] * len(codes), np.bincount(codes, minlength=64), atol=1e-3)
        for window, start in enumerate(whole_windows(len(row["log_mel"]), 129, 129)):
            counts = np.bincount(codes[start : start + 129], minlength=64)
            np.testing.assert_allclose(embedded.windows[3 * number + window] * 129, counts, atol=1e-3)
            assert embedded.window_start[3 * number + window] == start
            assert embedded.window_track[3 * number + window] == number
    assert embedded.ids[0] == "t052" or len(set(embedded.ids)) == 16


@pytest.mark.slow
def test_the_seed_decides(synthetic):
    first, again, other = (
        MfccVq(codewords=16, frames=2000, seed=seed).fit(synthetic).embed_split(synthetic, "valid").vectors
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_every_track_gives_the_same_number_of_frames(synthetic, monkeypatch):
    seen = []
    monkeypatch.setattr(MfccVq, "_codebook", lambda self, frames: seen.append(len(frames)))
    MfccVq(frames=400).fit(synthetic)
    MfccVq(frames=10**9).fit(synthetic)
    assert seen == [400, 40 * 430]


def test_fewer_frames_than_codewords_and_silence(tmp_path, monkeypatch):
    dataset = write_dataset(tmp_path, {"train": 2}, shards=1, frames=40)
    model = MfccVq(codewords=1024).fit(dataset)
    assert model.embed_split(dataset, "train").vectors.shape == (2, 2 * 129)
    monkeypatch.setattr(
        "dmml_tf.baselines.mfcc_vq.mfcc_frames", lambda log_mel, features: np.full((129, 39), -9.0, np.float32)
    )
    silent = MfccVq(codewords=16).fit(dataset).embed_split(dataset, "train")
    assert np.isfinite(silent.vectors).all()
    np.testing.assert_array_equal(silent.vectors[0], silent.vectors[1])


def test_codes_before_fit_are_bad_input():
    with pytest.raises(UserError, match="fit"):
        MfccVq().codes(np.zeros((1, 39), np.float32))
