"""A frontend of three inputs, all computed from the samples: log-mel, CENS chroma (key) and tempogram (tempo).

The inputs are those of Ribecky, Abesser and Lukashevich (2021, "Multi-input architecture and disentangled
representation learning for multi-dimensional music similarity"). Here the log-mel is a map already; chroma and
tempogram each pass a small convolution branch of their own, which gives every frame as many numbers as the log-mel
has bands, and the three are the channels of one map that the stem reads. Which pitch class or lag lies beside which
band is learned with the branch.

Chroma and tempogram hold no weights, and follow librosa step by step. Inputs are of a fixed length.
"""

import math

import librosa
import numpy as np
import scipy.signal
import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.normalisation import MOMENTUM
from tfrecords_tools.features import LogMel

layers = keras.layers

PITCH_CLASSES = 12
# Samples of the chroma's transform: 5.4 Hz a bin tells semitones apart from 90 Hz on; the log-mel's 1,024 do from 360.
CHROMA_N_FFT = 4096
# Frames of the chroma's smoothing, librosa's default: 0.95 s.
SMOOTH = 41
# Shares of a frame's energy at which a pitch class gains another quarter (Mueller and Ewert, ISMIR 2011).
_QUANTA = (0.05, 0.1, 0.2, 0.4)
_BRANCH_KERNEL = 3  # frames


def joined_map(audio, log_mel, standardised, features: LogMel):
    """Map [batch, frames, n_mels, 3] of audio [batch, samples] and its log-mel, raw and standardised."""
    chroma = CensChroma(features.sample_rate, CHROMA_N_FFT, features.hop, SMOOTH, name="chroma")(audio)
    tempogram = Tempogram(features.window_frames // 2 * 2, name="tempogram")(log_mel)
    maps = [standardised, _branch(chroma, features.n_mels), _branch(tempogram, features.n_mels)]
    return layers.Concatenate()([layers.Reshape((*x.shape[1:], 1))(x) for x in maps])


def _branch(x, bands: int):
    """[batch, frames, any] -> [batch, frames, bands]: convolution over time, batch normalisation, ReLU."""
    x = layers.Conv1D(bands, _BRANCH_KERNEL, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))


@keras.utils.register_keras_serializable(package="dmml")
class CensChroma(keras.layers.Layer):
    """Chroma energy, normalised and smoothed (CENS): audio [batch, samples] -> [batch, samples // hop, 12].

    `librosa.feature.chroma_stft` without normalisation and tuning, on centred frames, then what
    `librosa.feature.chroma_cens` does with its chroma: each frame to a sum of 1, quantised, smoothed over time by
    a Hann window, each frame to unit length. A silent frame is zeros.

    Args:
        sample_rate: Hz.
        n_fft: samples of the transform and of its Hann window.
        hop: samples between two frames.
        smooth: frames, librosa's `win_len_smooth`.
    """

    def __init__(self, sample_rate: int, n_fft: int, hop: int, smooth: int, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.n_fft, self.hop, self.smooth = sample_rate, n_fft, hop, smooth
        self._filters = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=0.0).T.astype(np.float32)

    def call(self, inputs):
        return self.cens(self.chroma(inputs))

    def chroma(self, audio):
        """Energy of each pitch class, float32 [batch, samples // hop, 12]."""
        frames = audio.shape[1] // self.hop
        padded = tf.pad(audio, [[0, 0], [self.n_fft // 2, self.n_fft // 2]])
        spectrum = tf.signal.stft(padded, self.n_fft, self.hop, self.n_fft)[:, :frames]
        return tf.matmul(tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum)), self._filters)

    def cens(self, chroma):
        """CENS of chroma, float32 [batch, frames, 12], not negative."""
        share = tf.math.divide_no_nan(chroma, tf.reduce_sum(chroma, axis=-1, keepdims=True))
        quantised = tf.add_n([tf.where(share > step, 0.25, 0.0) for step in _QUANTA])
        window = scipy.signal.get_window("hann", self.smooth + 2, fftbins=False)
        kernel = np.eye(PITCH_CLASSES) * (window / window.sum())[:, None, None]
        smoothed = tf.nn.conv1d(quantised, kernel.astype(np.float32), 1, "SAME")
        return tf.math.divide_no_nan(smoothed, tf.norm(smoothed, axis=-1, keepdims=True))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // self.hop, PITCH_CLASSES)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window: n log2 n a frame's transform (radix 2), the filters, and the smoothing as it is defined."""
        transform = round(self.n_fft * math.log2(self.n_fft))
        return output_shape[1] * (transform + (self.n_fft // 2 + 1 + self.smooth + 2) * PITCH_CLASSES)

    def get_config(self):
        return {
            **super().get_config(),
            "sample_rate": self.sample_rate,
            "n_fft": self.n_fft,
            "hop": self.hop,
            "smooth": self.smooth,
        }


@keras.utils.register_keras_serializable(package="dmml")
class Tempogram(keras.layers.Layer):
    """Local autocorrelation of the onset strength: log-mel [batch, frames, bands] -> [batch, frames, lags].

    Onset strength is the mean over the bands of what each rises from the frame before it, as `librosa.onset.
    onset_strength(S=log_mel, center=False)`; then `librosa.feature.tempogram(win_length=lags)`: of 1 at lag 0
    where there is any onset. At 43 frames a second lag n is 2,584 / n beats a minute.

    Args:
        lags: frames of the (Hann) window in which frames are correlated, even; and lags given, from 0.
    """

    def __init__(self, lags: int, **kwargs):
        super().__init__(**kwargs)
        self.lags = lags

    def call(self, inputs):
        return self.autocorrelation(self.onset_strength(inputs))

    def onset_strength(self, log_mel):
        """float32 [batch, frames] >= 0; 0 in the first frame."""
        rise = tf.nn.relu(log_mel[:, 1:] - log_mel[:, :-1])
        return tf.pad(tf.reduce_mean(rise, axis=-1), [[0, 0], [1, 0]])

    def autocorrelation(self, onsets):
        """float32 [batch, frames, lags] of onset strength [batch, frames]."""
        # Towards both ends of the excerpt the strength goes to 0 in a straight line, as in librosa.
        ramp = tf.range(self.lags // 2, dtype=tf.float32) / (self.lags // 2)
        padded = tf.concat([onsets[:, :1] * ramp, onsets, onsets[:, -1:] * ramp[::-1]], axis=1)
        frames = tf.signal.frame(padded, self.lags, 1)[:, : onsets.shape[1]]
        spectrum = tf.signal.rfft(frames * tf.signal.hann_window(self.lags), [2 * self.lags])
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        correlation = tf.signal.irfft(tf.cast(power, tf.complex64))[..., : self.lags]
        return tf.math.divide_no_nan(correlation, correlation[..., :1])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1], self.lags)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Of one window: two transforms of twice the lags a frame."""
        return output_shape[1] * 2 * round(2 * self.lags * math.log2(2 * self.lags))

    def get_config(self):
        return {**super().get_config(), "lags": self.lags}
