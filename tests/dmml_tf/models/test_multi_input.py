"""Chroma, CENS and tempogram in the graph against librosa's, on notes whose key and tempo are known."""

import librosa
import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.multi_input import CensChroma, Tempogram
from tfrecords_tools.features import LogMel

CHAIN = LogMel()
RATE, SAMPLES = CHAIN.sample_rate, CHAIN.excerpt_samples
TIME = np.arange(SAMPLES) / RATE
A_MAJOR = (9, 1, 4)  # pitch classes of a, c sharp, e


def chords(bpm: float) -> np.ndarray:
    """float32 [66150]: the chord of A major, struck anew at each beat."""
    struck = np.exp(-6 * (TIME % (60 / bpm)))
    return (0.2 * struck * sum(np.sin(2 * np.pi * f * TIME) for f in (220.0, 277.18, 329.63, 440.0))).astype(np.float32)


SOUNDS = {
    "chords": chords(120.0),
    "noise": np.random.default_rng(0).normal(0, 0.2, SAMPLES).astype(np.float32),
    "faint": 1e-4 * chords(90.0),
    "begins late": chords(150.0) * (TIME > 1.5).astype(np.float32),
    "silence": np.zeros(SAMPLES, np.float32),
}


@pytest.fixture(scope="module")
def chroma_layer():
    return CensChroma(RATE, 4096, 512, 41)


@pytest.mark.parametrize("name", SOUNDS)
def test_chroma_is_librosas(chroma_layer, name):
    found = chroma_layer.chroma(tf.constant(SOUNDS[name][None]))[0].numpy()
    expected = librosa.feature.chroma_stft(y=SOUNDS[name], sr=RATE, n_fft=4096, hop_length=512, tuning=0.0, norm=None)
    assert found.shape == (129, 12)
    np.testing.assert_allclose(found, expected.T[:129], atol=1e-4 * max(expected.max(), 1e-9))


@pytest.mark.parametrize("name", SOUNDS)
def test_cens_is_librosas(chroma_layer, name, monkeypatch):
    chroma = np.array(chroma_layer.chroma(tf.constant(SOUNDS[name][None])))[0]
    # All that librosa does after its constant-Q transform.
    monkeypatch.setattr(librosa.feature.spectral, "chroma_cqt", lambda **_: chroma.T.astype(np.float64))
    found = chroma_layer.cens(tf.constant(chroma[None]))[0].numpy()
    np.testing.assert_allclose(found, librosa.feature.chroma_cens(y=SOUNDS[name], sr=RATE).T, atol=1e-4)
    length = np.linalg.norm(found, axis=1)
    assert ((np.abs(length - 1) < 1e-5) | (length == 0)).all() and (length.max() == 0) == (name == "silence")


def test_quanta_by_hand():
    chroma = np.array([[10, 30, 50, 9, 1, *[0] * 7], [100, *[0] * 11]], np.float32)
    found = CensChroma(RATE, 4096, 512, 1).cens(tf.constant(chroma[None]))[0].numpy()
    quantised = np.array([[0.25, 0.75, 1.0, 0.25, 0, *[0] * 7], [1.0, *[0] * 11]])  # 10 is not above a tenth of 100
    np.testing.assert_allclose(found, quantised / np.linalg.norm(quantised, axis=1, keepdims=True), atol=1e-6)


def test_the_chords_pitch_classes_stand_out(chroma_layer):
    found = chroma_layer(tf.constant(SOUNDS["chords"][None]))[0].numpy()
    assert set(np.argsort(found.mean(axis=0))[-3:]) == set(A_MAJOR)


@pytest.mark.parametrize("lags", [128, 42])
@pytest.mark.parametrize("name", SOUNDS)
def test_onsets_and_tempogram_are_librosas(name, lags):
    log_mel = CHAIN.extract(SOUNDS[name])
    layer = Tempogram(lags)
    onsets = layer.onset_strength(tf.constant(log_mel[None]))
    wanted = librosa.onset.onset_strength(S=log_mel.T, sr=RATE, hop_length=512, center=False)
    np.testing.assert_allclose(onsets[0], wanted, atol=1e-6)
    found = layer(tf.constant(log_mel[None]))[0].numpy()
    expected = librosa.feature.tempogram(onset_envelope=np.array(onsets[0]), sr=RATE, hop_length=512, win_length=lags)
    assert found.shape == (129, lags) and np.isfinite(found).all()
    np.testing.assert_allclose(found, expected.T, atol=1e-4)


@pytest.mark.parametrize("bpm", [90.0, 150.0])
def test_the_lag_of_a_beat_is_a_peak(bpm):
    found = Tempogram(128)(tf.constant(CHAIN.extract(chords(bpm))[None]))[0].numpy()[64]
    lag = round(60 * CHAIN.frames_per_second / bpm)
    assert np.argmax(found[10:60]) + 10 in (lag - 1, lag, lag + 1)


def test_the_three_inputs_are_three_channels_of_the_stem():
    network = build_embedding("conv", (4,) * 7, 8, "multi_input")
    stem = network.get_layer("stem")
    assert tuple(stem.input.shape[1:]) == (129, 128, 3) and tuple(stem.kernel.shape) == (5, 5, 3, 4)
    assert tuple(stem.output.shape[1:]) == (64, 64, 4) and tuple(network.input_shape[1:]) == (SAMPLES,)
    seen = keras.Model(
        network.input, [stem.input, network.get_layer("chroma").output, network.get_layer("tempogram").output]
    )
    joined, chroma, tempogram = (np.asarray(x) for x in seen(tf.constant(SOUNDS["chords"][None])))
    standardised = (CHAIN.extract(SOUNDS["chords"]) - 0.2) / 0.25
    np.testing.assert_allclose(joined[0, ..., 0], standardised, atol=1e-4)
    assert chroma.shape == (1, 129, 12) and tempogram.shape == (1, 129, 128)
    branches = [layer.kernel.shape for layer in network.layers if isinstance(layer, keras.layers.Conv1D)]
    assert sorted(map(tuple, branches)) == [(3, 12, 128), (3, 128, 128)]


def test_a_silent_window_gives_numbers():
    network = build_embedding("conv", (2,) * 7, 4, "multi_input")
    assert np.isfinite(np.asarray(network(np.zeros((2, SAMPLES), np.float32)))).all()


def test_what_chroma_and_tempogram_cost():
    audio = keras.Input((2048,))
    chroma = keras.Model(audio, CensChroma(8_000, 256, 512, 5)(audio))
    assert multiply_adds(chroma) == 4 * (256 * 8 + (129 + 7) * 12)
    log_mel = keras.Input((9, 6))
    assert multiply_adds(keras.Model(log_mel, Tempogram(8)(log_mel))) == 9 * 2 * 16 * 4
