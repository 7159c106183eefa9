"""musicnn's network against the same of Keras layers, and with the package's weights where it is installed."""

import types

import numpy as np
import pytest
import scipy.signal
from tensorflow import keras

from dmml_tf.models import musicnn
from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.musicnn import (
    MusicnnFeatures,
    MusicnnMel,
    musicnn_mel,
    musicnn_outputs,
    musicnn_windows,
    read_weights,
)
from tfrecords_tools.errors import UserError

layers = keras.layers
installed = pytest.mark.skipif(not musicnn.installed(), reason="the package musicnn is not installed")
KINDS = {
    "conv2d": ((layers.Conv2D, layers.Conv1D), ("kernel", "bias")),
    "batch_normalization": ((layers.BatchNormalization,), ("gamma", "beta", "moving_mean", "moving_variance")),
    "dense": ((layers.Dense,), ("kernel", "bias")),
}


def network_of_layers():
    """musicnn as Keras has it, with weights drawn at random, those of a trained network's size."""

    def highest(x, filters, frames, bands):
        if bands > 1:
            x = layers.ZeroPadding2D((frames // 2, 0))(x)
        x = layers.Conv2D(filters, (frames, bands), padding="valid" if bands > 1 else "same", activation="relu")(x)
        x = layers.MaxPooling2D((1, 97 - bands))(layers.BatchNormalization()(x))
        return layers.Reshape((-1, filters))(x)

    mel = keras.Input((187, 96))
    x = layers.BatchNormalization()(layers.Reshape((187, 96, 1))(mel))
    sizes = ((204, 7, 38), (204, 7, 67), (51, 128, 1), (51, 64, 1), (51, 32, 1))
    maps = [layers.Concatenate()([highest(x, *size) for size in sizes])]
    for place in range(3):
        y = layers.Conv1D(64, 7, padding="same", activation="relu")(maps[-1])
        y = layers.BatchNormalization()(y)
        maps.append(layers.Add()([y, maps[-1]]) if place else y)
    x = layers.Concatenate()(maps)
    pooled = [layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)]
    x = layers.Flatten()(layers.Concatenate()([layers.Reshape((-1, 1))(part) for part in pooled]))
    x = layers.Dense(200, activation="relu")(layers.BatchNormalization()(x))
    features = layers.BatchNormalization()(x)
    return keras.Model(mel, [features, layers.Dense(50, activation="sigmoid")(features)])


def weights_of(model):
    """As musicnn's checkpoint names them."""
    rng, weights = np.random.default_rng(0), {}
    for kind, (classes, names) in KINDS.items():
        for place, layer in enumerate(layer for layer in model.layers if isinstance(layer, classes)):
            values = [w if w.ndim > 1 else rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()]
            if kind == "batch_normalization":
                values[0] *= rng.choice([-1, 1], values[0].shape)  # a trained network has scales below 0 too
            layer.set_weights(values)
            for name, value in zip(names, layer.get_weights()):
                if isinstance(layer, layers.Conv1D):
                    value = value if name == "bias" else value[:, :, None]
                weights[f"{kind}_{place}/{name}" if place else f"{kind}/{name}"] = value
    return weights


@pytest.mark.slow
def test_equals_the_network_of_keras_layers():
    keras.utils.set_random_seed(0)
    model = network_of_layers()
    weights = weights_of(model)
    mel = np.random.default_rng(1).uniform(0, 4, (2, 187, 96)).astype(np.float32)
    for found, expected in zip(musicnn_outputs(mel, weights), model(mel)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    if musicnn.installed():
        for network in musicnn.NETWORKS:
            shapes = {name: value.shape for name, value in read_weights(network).items() if "power" not in name}
            assert shapes == {name: _on_one_channel(name, value.shape) for name, value in weights.items()}


def _on_one_channel(name, shape):
    """The checkpoint's convolutions in the middle have one channel, and see all bands."""
    return (shape[0], shape[1] * shape[2], 1, shape[3]) if name.startswith("conv2d") and len(shape) == 4 else shape


def test_mel_from_its_definition():
    samples = np.random.default_rng(0).normal(0, 0.2, 16_000).astype(np.float32)
    mel = musicnn_mel(samples)
    assert mel.shape == (63, 96) and mel.dtype == np.float32
    frame = samples[20 * 256 - 256 : 20 * 256 + 256] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512))
    power = MusicnnMel(22_050)._filters.T @ np.abs(np.fft.rfft(frame)) ** 2
    np.testing.assert_allclose(mel[20], np.log10(1 + 10_000 * power), atol=1e-3)


def test_a_loud_band_is_no_infinity():
    # Its float16 power times 10,000 is above 65,504.
    loud = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)
    assert np.isfinite(musicnn_mel(loud)).all() and musicnn_mel(loud).max() > 4.9


def test_windows_side_by_side():
    mel = np.arange(400 * 96, dtype=np.float32).reshape(400, 96)
    windows = musicnn_windows(mel)
    assert windows.shape == (2, 187, 96)
    np.testing.assert_array_equal(windows[1, 0], mel[187])
    assert musicnn_windows(mel[:186]).shape == (0, 187, 96)


@pytest.mark.parametrize("rate", [22_050, 16_000, 44_100])
def test_the_layer_resamples(rate):
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * rate).astype(np.float32)
    found = np.asarray(MusicnnMel(rate)(samples[None]))
    assert found.shape == (1, 187, 96) and MusicnnMel(rate).compute_output_shape((1, 3 * rate)) == (1, 187, 96)
    resampled = scipy.signal.resample(samples.astype(np.float64), 48_000).astype(np.float32)
    np.testing.assert_allclose(found[0], musicnn_mel(resampled)[:187], atol=2e-3)


def test_without_the_package_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    read_weights.cache_clear()
    with pytest.raises(UserError, match="pip install --no-deps musicnn"):
        build_embedding(frontend="musicnn")


def test_weights_that_lack_a_variable_are_one_line(tmp_path, monkeypatch):
    class Reader:
        def __init__(self, path):
            pass

        def get_variable_to_shape_map(self):
            return dict.fromkeys(musicnn._variables() - {"conv2d_3/kernel"}, ())

        def get_tensor(self, name):
            return np.zeros(())

    place = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: place)
    monkeypatch.setattr("tensorflow.compat.v1.train.NewCheckpointReader", Reader)
    read_weights.cache_clear()
    with pytest.raises(UserError, match=r"MSD_musicnn: lacks the variable conv2d_3/kernel; install musicnn again"):
        read_weights("msd")
    read_weights.cache_clear()


@installed
def test_the_networks_weights_are_in_no_file_of_ours(tmp_path):
    keras.utils.set_random_seed(0)
    model = build_embedding(frontend="musicnn", size=6)
    assert sum(weight.shape[0] for weight in model.weights if len(weight.shape) == 2) == 400
    assert len(model.trainable_weights) == 3  # of the linear map, and its shift and scale
    audio = np.random.default_rng(0).normal(0, 0.1, (2, 66_150)).astype(np.float32)
    model.save(str(tmp_path / "model.keras"))
    assert (tmp_path / "model.keras").stat().st_size < 200_000
    again = keras.models.load_model(str(tmp_path / "model.keras"))
    np.testing.assert_allclose(np.asarray(again(audio)), np.asarray(model(audio)), atol=1e-5)


@installed
def test_samples_give_nearly_the_features_of_the_song():
    # The window's frames at its ends see silence where the song's see the song.
    time = np.arange(4 * 22_050) / 22_050
    samples = (0.3 * np.sin(2 * np.pi * 440 * time) * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32)
    resampled = scipy.signal.resample(samples, 64_000).astype(np.float32)
    expected = np.asarray(MusicnnFeatures()(musicnn_windows(musicnn_mel(resampled))))[0]
    found = np.asarray(MusicnnFeatures()(MusicnnMel(22_050)(samples[None, :66_150])))[0]
    assert found.shape == (400,)
    assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.98


@installed
def test_multiply_adds_of_one_window():
    # Of both networks: filters of 7 frames over the bands they fit in, of 1 band over all, the middle, the end.
    front = 187 * (7 * 38 * 204 * 59 + 7 * 67 * 204 * 30 + (128 + 64 + 32) * 51 * 96)
    middle = 187 * (7 * 561 * 64 + 2 * 7 * 64 * 64)
    mel = keras.Input((187, 96))
    one = front + middle + 1506 * 200 + 200 * 50
    assert multiply_adds(keras.Model(mel, MusicnnFeatures()(mel))) == 2 * one
