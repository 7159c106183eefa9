"""musicnn's two networks with the weights of an installed `musicnn` package, and the spectrum that they take.

The weights are constants of the graph, so that they are never trained and lie in no file of ours: they stay in that
package (`pip install --no-deps musicnn`, ISC licence), of which no code is imported.

Source: Pons and Serra, 2019, "musicnn: pre-trained convolutional neural networks for music audio tagging"
(https://github.com/jordipons/musicnn); the architecture is that of Pons et al., ISMIR 2018, "End-to-end learning for
music audio tagging at scale", with a dense connection of its middle layers and a pool over time.
"""

import functools
import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path

import librosa
import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.normalisation import MOMENTUM
from tfrecords_tools.errors import UserError

layers = keras.layers

# Folders of weights in the package, by what they were trained on: the Million Song Dataset, MagnaTagATune.
NETWORKS = {"msd": "MSD_musicnn", "mtt": "MTT_musicnn"}
SAMPLE_RATE = 16_000  # Hz
N_FFT, HOP, BANDS = 512, 256, 96
FRAMES = 187  # of a window: 2.992 s
FEATURES, TAGS = 200, 50  # numbers of the last hidden layer, and tags, of each network

_TIMBRAL = (38, 67)  # bands of the filters of 7 frames: 0.4 and 0.7 of all
_TEMPORAL = (128, 64, 32)  # frames of the filters of 1 band
_GAIN = 10_000.0
_EPSILON = 1e-3  # of the normalisations

Weights = Mapping[str, np.ndarray]


def installed() -> bool:
    """Whether there is a `musicnn` package to take the weights from; imports nothing."""
    return importlib.util.find_spec("musicnn") is not None


@functools.cache
def read_weights(network: str) -> Weights:
    """The weights of one of `NETWORKS`: variable's name -> float32. Do not write to them.

    Raises:
        UserError: if the package is not installed, or has no such weights.
    """
    spec = importlib.util.find_spec("musicnn")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("musicnn's weights are not installed; install them with: pip install --no-deps musicnn")
    folder = Path(spec.submodule_search_locations[0]) / NETWORKS[network]
    try:
        # The checkpoint has an empty name: its files are called `.index` and `.data-00000-of-00001`.
        reader = tf.compat.v1.train.NewCheckpointReader(f"{folder}/")
        names = [name for name in reader.get_variable_to_shape_map() if "Adam" not in name]
        if missing := sorted(_variables() - {*names}):
            raise UserError(f"{folder}: lacks the variable {missing[0]}; install musicnn again")
        return {name: reader.get_tensor(name) for name in names}
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"{folder}: cannot be read ({str(error).splitlines()[0]}); install musicnn again") from error


def musicnn_mel(samples: np.ndarray) -> np.ndarray:
    """The spectrum that the networks were trained on, of a whole song.

    Args:
        samples: mono float [samples] in -1..1 at 16 kHz.

    Returns:
        float32 [1 + samples // 256, 96]: log10(1 + 10,000 x power), the power rounded to float16 as musicnn does.
    """
    power = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS)
    # Back to float32 before it is multiplied: musicnn's own product overflows float16 under NumPy 2.
    return np.log10(1 + np.float32(_GAIN) * power.T.astype(np.float16).astype(np.float32))


def musicnn_windows(mel: np.ndarray) -> np.ndarray:
    """A song's mel [frames, 96] as windows side by side, [W, 187, 96]; what is left at the end is dropped."""
    count = len(mel) // FRAMES
    return mel[: count * FRAMES].reshape(count, FRAMES, BANDS)


def musicnn_outputs(mel: tf.Tensor, weights: Weights) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one network.

    Args:
        mel: float32 [batch, frames, 96], see `musicnn_mel`; 187 frames as it was trained.
        weights: from `read_weights`.

    Returns:
        The last hidden layer, float32 [batch, 200], and the probabilities of the tags, float32 [batch, 50].
    """
    # The variables are numbered, kind by kind, in the order in which the network is built.
    x = _normalised(mel[..., None], weights, 0)
    padded = tf.pad(x, [[0, 0], [3, 3], [0, 0], [0, 0]])
    sides = [(padded, "VALID")] * len(_TIMBRAL) + [(x, "SAME")] * len(_TEMPORAL)
    front = [_highest(given, weights, place, padding) for place, (given, padding) in enumerate(sides)]
    maps = [tf.concat(front, axis=-1)]
    for place in range(len(front), len(front) + 3):
        kernel, bias = _kernel(weights, "conv2d", place)
        # Written for maps of one channel, whose bands are what is channels here.
        y = tf.nn.conv1d(maps[-1], kernel.reshape(len(kernel), -1, kernel.shape[-1]), 1, "SAME") + bias
        y = _normalised(tf.nn.relu(y), weights, place + 1)
        maps.append(y if len(maps) == 1 else y + maps[-1])
    joined = tf.concat(maps, axis=-1)
    pooled = tf.stack([tf.reduce_max(joined, axis=1), tf.reduce_mean(joined, axis=1)], axis=-1)
    x = _normalised(tf.reshape(pooled, [-1, 2 * joined.shape[-1]]), weights, 9)
    kernel, bias = _kernel(weights, "dense", 0)
    features = _normalised(tf.nn.relu(x @ kernel + bias), weights, 10)
    kernel, bias = _kernel(weights, "dense", 1)
    return features, tf.sigmoid(features @ kernel + bias)


def _highest(x: tf.Tensor, weights: Weights, place: int, padding: str) -> tf.Tensor:
    """The filters' highest output over the bands, [batch, frames, filters]."""
    kernel, bias = _kernel(weights, "conv2d", place)
    # Rectifier and normalisation keep the order of the bands or turn it: the pool can come first, and the large map is
    # touched once.
    sign = np.where(weights[f"{_scope('batch_normalization', place + 1)}/gamma"] < 0, np.float32(-1), np.float32(1))
    highest = sign * tf.reduce_max(tf.nn.conv2d(x, sign * kernel, 1, padding), axis=2)
    return _normalised(tf.nn.relu(highest + bias), weights, place + 1)


def _normalised(x: tf.Tensor, weights: Weights, place: int) -> tf.Tensor:
    gamma, beta, mean, variance = (
        weights[f"{_scope('batch_normalization', place)}/{name}"]
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + np.float32(_EPSILON))
    return x * scale + (beta - mean * scale)


def _kernel(weights: Weights, kind: str, place: int) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{_scope(kind, place)}/kernel"], weights[f"{_scope(kind, place)}/bias"]


def _variables() -> set[str]:
    """The names of all that `musicnn_outputs` reads."""
    parts = {
        "conv2d": (len(_TIMBRAL) + len(_TEMPORAL) + 3, ("kernel", "bias")),
        "dense": (2, ("kernel", "bias")),
        "batch_normalization": (11, ("gamma", "beta", "moving_mean", "moving_variance")),
    }
    return {
        f"{_scope(kind, place)}/{name}"
        for kind, (count, names) in parts.items()
        for place in range(count)
        for name in names
    }


def _scope(kind: str, place: int) -> str:
    return f"{kind}_{place}" if place else kind


@keras.utils.register_keras_serializable(package="dmml")
class MusicnnMel(keras.layers.Layer):
    """Samples float32 [batch, samples] -> `musicnn_mel` of each row at 16 kHz, float32 [batch, frames, 96].

    The frames are those that lie whole in windows of 187, at least one such. Resampled by a Fourier transform of the
    row as it is, which takes its end for the time before its beginning: half a frame at either end differs.

    Attributes:
        sample_rate: of the samples, Hz.
    """

    def __init__(self, sample_rate: int, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate = sample_rate
        self._filters = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=BANDS).T

    def call(self, audio):
        """Mel of `audio`, float32 [batch, samples]; the number of samples is fixed."""
        samples = audio.shape[1]
        resampled = samples * SAMPLE_RATE // self.sample_rate
        spectrum = tf.signal.rfft(audio)[:, : resampled // 2 + 1]
        audio = tf.signal.irfft(spectrum, [resampled]) * (resampled / samples)
        audio = tf.pad(audio, [[0, 0], [N_FFT // 2, N_FFT // 2]])
        frames = tf.signal.stft(audio, N_FFT, HOP, N_FFT)[:, : self._frames(samples)]
        power = tf.matmul(tf.square(tf.abs(frames)), self._filters)
        return tf.math.log1p(_GAIN * tf.cast(tf.cast(power, tf.float16), tf.float32)) / math.log(10.0)

    def compute_output_shape(self, input_shape) -> tuple:
        """(batch, frames, 96)."""
        return (input_shape[0], self._frames(input_shape[1]), BANDS)

    def _frames(self, samples: int) -> int:
        return (1 + samples * SAMPLE_RATE // self.sample_rate // HOP) // FRAMES * FRAMES

    def get_config(self) -> dict:
        """Constructor arguments as JSON."""
        return {**super().get_config(), "sample_rate": self.sample_rate}


@keras.utils.register_keras_serializable(package="dmml")
class MusicnnFeatures(keras.layers.Layer):
    """Mel float32 [batch, 187, 96] -> the last hidden layers of both networks, float32 [batch, 400].

    Raises:
        UserError: if the package with the weights is not installed.
    """

    def __init__(self, **kwargs):
        super().__init__(trainable=False, **{name: value for name, value in kwargs.items() if name != "trainable"})
        for network in NETWORKS:
            read_weights(network)

    def call(self, mel):
        """The features of `mel`."""
        return tf.concat([musicnn_outputs(mel, read_weights(network))[0] for network in NETWORKS], axis=-1)

    def compute_output_shape(self, input_shape) -> tuple:
        """(batch, 400)."""
        return (input_shape[0], FEATURES * len(NETWORKS))

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window, see `dmml_tf.models.count`."""
        return sum(
            math.prod(value.shape) * _places(value.shape)
            for network in NETWORKS
            for name, value in read_weights(network).items()
            if name.endswith("/kernel")
        )


def _places(kernel: tuple[int, ...]) -> int:
    """To how many places of a window a kernel is applied: to one, to each frame, or to each frame and band."""
    if len(kernel) == 2:
        return 1
    if kernel[2] != 1 or (kernel[0] == 7 and kernel[1] not in _TIMBRAL):
        return FRAMES
    return FRAMES * (BANDS - kernel[1] + 1)


def musicnn_vector(audio: tf.Tensor, sample_rate: int) -> tf.Tensor:
    """Samples [batch, 66150] -> the 400 features, each by its mean and deviation among the songs of the training."""
    features = MusicnnFeatures(name="musicnn")(MusicnnMel(sample_rate, name="musicnn_mel")(audio))
    return layers.BatchNormalization(momentum=MOMENTUM, center=False, scale=False, name="musicnn_scale")(features)
