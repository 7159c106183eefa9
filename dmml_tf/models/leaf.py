"""LEAF, a learned frontend: Gabor filters, Gaussian low-pass pooling, per-channel energy normalisation (PCEN).

Source: Zeghidour et al., ICLR 2021, section 3; PCEN: Wang et al., ICASSP 2017. Every layer begins near the
log-mel's own bands and is trained with the network. Frame t is centred on sample t * hop, as in the log-mel, so
that either gives the blocks their 129 x 128 map. Inputs are of a fixed length.
"""

import math
from typing import ClassVar

import librosa
import numpy as np
import tensorflow as tf
from tensorflow import keras

from tfrecords_tools.features import PAPER_CHAIN, LogMel

# Filters and pool see 25 ms; an odd number of samples has a middle one.
WINDOW_SECONDS = 0.025
# The energy of a filter's output changes slowly: every 32nd sample of it gives the frames that all of them give to
# 0.3 % in the median and 11 % at the 99th percentile (on noise, see the tests). Time and memory go with the samples.
STEP = 32
# A Gaussian's deviation times the deviation of its spectrum's width at half height, in cycles: sqrt(2 ln 2) / pi.
_WIDTH = math.sqrt(2 * math.log(2)) / math.pi


def leaf_map(audio, features: LogMel = PAPER_CHAIN):
    """Audio [batch, samples] -> map [batch, samples // hop, n_mels], by the three layers below."""
    window = int(WINDOW_SECONDS * features.sample_rate) // 2 * 2 + 1
    x = GaborFilters(features.n_mels, features.sample_rate, window, STEP, name="gabor")(audio)
    x = EnergyPool(window, features.hop, STEP, name="pool")(x)
    return Pcen(name="pcen")(x)


def mel_gabors(filters: int, sample_rate: int, window: int) -> np.ndarray:
    """float32 [2, filters]: centres in radians a sample and deviations in samples of filters like the mel bands.

    A mel band is a triangle; a Gabor filter's squared modulus stands for it, so the Gaussian has the width that
    the triangle's square root has at half its height: three quarters of the triangle's base.
    """
    edges = librosa.mel_frequencies(filters + 2, fmin=0.0, fmax=sample_rate / 2)
    width = 0.75 * (edges[2:] - edges[:-2]) / sample_rate
    deviation = np.clip(_WIDTH / width, *deviation_limits(window))
    return np.stack([2 * math.pi * edges[1:-1] / sample_rate, deviation]).astype(np.float32)


def half_width_hz(deviation: np.ndarray, sample_rate: int) -> np.ndarray:
    """Width in Hz at half the height of the spectrum of Gabor filters of these deviations in samples."""
    return _WIDTH / deviation * sample_rate


def deviation_limits(window: int) -> tuple[float, float]:
    """Least and greatest deviation in samples: a spectrum of the whole range, and of one bin of `window`."""
    return 4 * _WIDTH, window * _WIDTH


@keras.utils.register_keras_serializable(package="dmml")
class GaborFilters(keras.layers.Layer):
    """Audio through Gabor filters: [batch, samples] -> [batch, samples // step, 2 filters], all real parts first.

    Filter: exp(i c t) exp(-t^2 / (2 d^2)) / (sqrt(2 pi) d) for |t| <= window / 2. Its centre c (radians a sample, kept
    in 0..pi) and deviation d (samples, kept within `deviation_limits`) are learned, each in a unit of its band's own,
    since an optimizer moves every weight by about its rate: `shift` is the way from the mel band's centre in distances
    between two bands there, `stretch` the logarithm of the deviation over the mel band's. Both begin at 0.

    Args:
        filters: bands.
        sample_rate: Hz; with `filters` it says where they begin, see `mel_gabors`.
        window: samples of a filter, odd.
        step: the output is given at every step-th sample.
    """

    def __init__(self, filters: int, sample_rate: int, window: int, step: int, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.sample_rate, self.window, self.step = filters, sample_rate, window, step

    def build(self, input_shape):
        self.shift = self.add_weight(name="shift", shape=(self.filters,), initializer="zeros")
        self.stretch = self.add_weight(name="stretch", shape=(self.filters,), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        places, taps = inputs.shape[1] // self.step, -(-self.window // self.step)
        length = (places + taps - 1) * self.step
        before = self.window // 2
        after = max(length - before - inputs.shape[1], 0)
        padded = tf.pad(inputs, [[0, 0], [before, after]])[:, :length]
        # `step` samples side by side as channels: the strided convolution becomes one that processors are good at.
        folded = tf.reshape(padded, [-1, places + taps - 1, self.step])
        return tf.nn.conv1d(folded, self._kernel(taps), 1, "VALID")

    def bands(self):
        """(centres in radians a sample, deviations in samples), float32 [filters] each, as they are now."""
        centre, deviation = mel_gabors(self.filters, self.sample_rate, self.window)
        centre = centre + tf.convert_to_tensor(self.shift) * np.gradient(centre)
        deviation = deviation * tf.exp(tf.convert_to_tensor(self.stretch))
        limits = deviation_limits(self.window)
        return tf.clip_by_value(centre, 0.0, math.pi), tf.clip_by_value(deviation, *limits)

    def _kernel(self, taps: int):
        """[taps, step, 2 filters]: the real parts, then the imaginary parts."""
        time = tf.range(self.window, dtype=tf.float32)[:, None] - float(self.window // 2)
        centre, deviation = self.bands()
        envelope = tf.exp(-0.5 * tf.square(time / deviation)) / (math.sqrt(2 * math.pi) * deviation)
        kernel = tf.concat([envelope * tf.cos(centre * time), envelope * tf.sin(centre * time)], axis=1)
        kernel = tf.pad(kernel, [[0, taps * self.step - self.window], [0, 0]])
        return tf.reshape(kernel, [taps, self.step, 2 * self.filters])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // self.step, 2 * self.filters)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window, whose output has `output_shape` [batch, places, 2 filters]."""
        return self.window * math.prod(output_shape[1:])

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "sample_rate": self.sample_rate,
            "window": self.window,
            "step": self.step,
        }


@keras.utils.register_keras_serializable(package="dmml")
class EnergyPool(keras.layers.Layer):
    """Squared modulus, summed over time under a Gaussian, of its own width for each of C filters.

    [batch, places, 2 C], all real parts first -> [batch, frames, C], with places // (hop / step) frames. The weight of
    sample t from a frame's middle is exp(-0.5 (t / (w (window - 1) / 2))^2); w is learned, begins at 0.4 and is kept
    within 2 / window and 0.5.

    Args:
        window: samples under the Gaussian, odd.
        hop: samples between two frames, a multiple of `step`.
        step: samples between two of the places given; each stands for `step` samples.
    """

    def __init__(self, window: int, hop: int, step: int, **kwargs):
        super().__init__(**kwargs)
        self.window, self.hop, self.step = window, hop, step

    def build(self, input_shape):
        initial = keras.initializers.Constant(0.4)
        self.width = self.add_weight(name="width", shape=(input_shape[-1] // 2,), initializer=initial)
        super().build(input_shape)

    def call(self, inputs):
        side = self.window // 2 // self.step
        hop = self.hop // self.step
        frames = inputs.shape[1] // hop
        time = tf.range(-side, side + 1, dtype=tf.float32)[:, None] * float(self.step)
        width = tf.clip_by_value(tf.convert_to_tensor(self.width), 2.0 / self.window, 0.5)
        weights = self.step * tf.exp(-0.5 * tf.square(time / (width * (self.window - 1) / 2)))
        # Both parts are pooled before they are added: there are far fewer frames than places.
        weights = tf.tile(weights, [1, 2])[None, :, :, None]
        after = max((frames - 1) * hop + side + 1 - inputs.shape[1], 0)
        squared = tf.pad(tf.square(inputs), [[0, 0], [side, after], [0, 0]])[:, None]
        pooled = tf.nn.depthwise_conv2d(squared, weights, [1, hop, hop, 1], "VALID")[:, 0, :frames]
        real, imaginary = tf.split(pooled, 2, axis=-1)
        return real + imaginary

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // (self.hop // self.step), input_shape[2] // 2)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window, whose output has `output_shape` [batch, frames, C]."""
        return (self.window // 2 // self.step * 2 + 1) * 2 * math.prod(output_shape[1:])

    def get_config(self):
        return {**super().get_config(), "window": self.window, "hop": self.hop, "step": self.step}


@keras.utils.register_keras_serializable(package="dmml")
class Pcen(keras.layers.Layer):
    """Per-channel energy normalisation: x >= 0 [batch, frames, C] -> the same shape.

    (x / (eps + M)^alpha + delta)^(1 / root) - delta^(1 / root), where M smooths x over time: M[t] = (1 - s) M[t-1]
    + s x[t] from M[0] = x[0]. Each channel learns its alpha (kept at 1 or less), s, delta and root (1 or more),
    from .96, .04, 2 and 2; x counts as 1e-5 at least. Agrees with `librosa.pcen` from that beginning, which is
    `zi = (1 - s) x[0]` there.
    """

    BEGIN: ClassVar[dict[str, float]] = {"alpha": 0.96, "smooth": 0.04, "delta": 2.0, "root": 2.0}
    EPS = 1e-12
    FLOOR = 1e-5  # less energy than 16 bits can hold is silence, and must not be raised to music

    def build(self, input_shape):
        for name, value in self.BEGIN.items():
            initial = keras.initializers.Constant(value)
            setattr(self, name, self.add_weight(name=name, shape=(input_shape[-1],), initializer=initial))
        super().build(input_shape)

    def call(self, inputs):
        alpha = tf.minimum(tf.convert_to_tensor(self.alpha), 1.0)
        power = 1.0 / tf.maximum(tf.convert_to_tensor(self.root), 1.0)
        # Both are bases of a power: at 0 its gradient would be infinite.
        delta = tf.maximum(tf.convert_to_tensor(self.delta), 1e-6)
        energy = tf.maximum(inputs, self.FLOOR)
        quiet = energy * tf.pow(self.EPS + self._smoothed(energy), -alpha)
        return tf.pow(quiet + delta, power) - tf.pow(delta, power)

    def _smoothed(self, x):
        """M, as a sum with all weights at once: a loop over 129 frames would cost more than the sums."""
        frames = x.shape[1]
        smooth = tf.clip_by_value(tf.convert_to_tensor(self.smooth), 0.0, 0.999)
        age = tf.cast(tf.range(frames)[:, None] - tf.range(frames)[None, :], tf.float32)
        kept = tf.exp(tf.math.log1p(-smooth)[:, None, None] * tf.maximum(age, 0.0))
        first = tf.one_hot(0, frames)
        share = tf.where(age >= 0, kept * (first + (1.0 - first) * smooth[:, None, None]), 0.0)
        return tf.einsum("buc,ctu->btc", x, share)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window: the smoothing's sums, as they are defined (one product a value and step)."""
        return 2 * math.prod(output_shape[1:])
