"""The in-graph log-mel against librosa's and NumPy's."""

import zipfile

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.frontends import LogMelFrontend
from tfrecords_tools.features import LogMel

FEATURES = LogMel()
TIME = np.arange(66_150) / 22_050
SOUNDS = {
    "loud sine": 0.9 * np.sin(2 * np.pi * 440.0 * TIME),
    "noise": np.random.default_rng(0).normal(0.0, 0.3, TIME.size),
    "square": np.sign(np.sin(2 * np.pi * 100.0 * TIME)),
    "clicks": (np.arange(TIME.size) % 5_000 == 0) * 1.0,
    "faint": 1e-5 * np.sin(2 * np.pi * 3_000.0 * TIME),
    "constant": np.ones(TIME.size),
    "silence": np.zeros(TIME.size),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_equals_the_extraction(name):
    samples = SOUNDS[name].astype(np.float32)
    found = LogMelFrontend()(samples[None]).numpy()
    assert found.shape == (1, 129, 128) and found.dtype == np.float32
    np.testing.assert_allclose(found[0], FEATURES.extract(samples), atol=1e-5)


def test_equals_a_transform_written_out():
    # One frame from the definition, without either library's framing.
    samples = SOUNDS["noise"].astype(np.float32)
    frame = samples[50 * 512 - 512 : 50 * 512 + 512] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024))
    expected = np.log10(1 + 10 * FEATURES.mel_filters() @ np.abs(np.fft.rfft(frame)))
    np.testing.assert_allclose(LogMelFrontend()(samples[None])[0, 50], expected, atol=1e-5)


def test_rows_of_a_batch_do_not_mix():
    batch = np.stack(list(SOUNDS.values())).astype(np.float32)
    found = LogMelFrontend()(batch).numpy()
    for row, samples in zip(found, batch):
        np.testing.assert_allclose(row, LogMelFrontend()(samples[None])[0], atol=1e-6)


@pytest.mark.parametrize("samples", [0, 511, 512, 700, 1023, 5_000, 66_150, 66_660])
def test_any_length(samples):
    audio = np.random.default_rng(1).normal(0, 0.1, (2, samples)).astype(np.float32)
    found = LogMelFrontend()(audio).numpy()
    assert found.shape == (2, samples // 512, 128)
    if samples >= 512:
        np.testing.assert_allclose(found[1], FEATURES.extract(audio[1]), atol=1e-5)


def test_other_figures():
    features = LogMel(sample_rate=16_000, n_fft=512, hop=160, n_mels=64, gain=100.0)
    audio = SOUNDS["noise"][:16_000].astype(np.float32)
    np.testing.assert_allclose(LogMelFrontend(features)(audio[None])[0], features.extract(audio), atol=1e-5)


@pytest.mark.parametrize("name", ["noise", "silence"])
def test_gradient_is_finite(name):
    # The magnitude's derivative at 0 is where a naive square root gives NaN.
    audio = tf.constant(SOUNDS[name][None].astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(audio)
        total = tf.reduce_sum(LogMelFrontend()(audio))
    gradient = tape.gradient(total, audio).numpy()
    assert np.isfinite(gradient).all() and (gradient != 0).any() == (name == "noise")


def test_in_a_functional_model_that_is_saved_and_loaded(tmp_path):
    features = LogMel(n_mels=40)
    inputs = keras.Input((22_050,))
    model = keras.Model(inputs, LogMelFrontend(features, name="ears")(inputs))
    assert tuple(model.output_shape) == (None, 43, 40)
    model.save(str(tmp_path / "model.keras"))
    loaded = keras.models.load_model(str(tmp_path / "model.keras"))
    audio = SOUNDS["square"][None, :22_050].astype(np.float32)
    np.testing.assert_allclose(loaded(audio), model(audio), atol=1e-6)
    assert loaded.get_layer("ears").features == features


def test_shape_where_the_length_is_open():
    assert LogMelFrontend().compute_output_shape((None, None)) == (None, None, 128)
    inputs = keras.Input((None,))
    model = keras.Model(inputs, LogMelFrontend()(inputs))
    assert model(np.zeros((1, 2_048), np.float32)).shape == (1, 4, 128)


def test_a_model_saved_under_the_layers_earlier_name_still_loads(tmp_path):
    audio = keras.Input((2048,))
    model = keras.Model(audio, LogMelFrontend(name="log_mel")(audio))
    model.save(tmp_path / "now.keras")
    with zipfile.ZipFile(tmp_path / "now.keras") as now, zipfile.ZipFile(tmp_path / "earlier.keras", "w") as earlier:
        for name in now.namelist():
            content = now.read(name)
            if name == "config.json":
                assert b'"dmml>LogMelFrontend"' in content
                content = content.replace(b'"dmml>LogMelFrontend"', b'"dmml_tf>LogMelFrontend"')
                content = content.replace(b'"dmml_tf.models.frontends"', b'"dmml_tf.frontends"')
            earlier.writestr(name, content)
    loaded = keras.models.load_model(tmp_path / "earlier.keras")
    assert isinstance(loaded.get_layer("log_mel"), LogMelFrontend)
