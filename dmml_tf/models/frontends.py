"""Audio -> log-mel inside the graph, so that a served model takes samples."""

import dataclasses
import math

import tensorflow as tf
from tensorflow import keras

from tfrecords_tools.features import LogMel


@keras.utils.register_keras_serializable(package="dmml_tf")
class LogMelFrontend(keras.layers.Layer):
    """Log-mel of mono audio: float32 [batch, samples] -> float32 [batch, samples // hop, n_mels].

    Agrees with `LogMel.extract` (and through it with librosa) to 1e-5; section 3.2 of the paper.
    Standardisation is not part of it: the network's first layer does that.

    Attributes:
        features: the signal chain; the default is the paper's.
    """

    def __init__(self, features: LogMel = LogMel(), **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self._filters = features.mel_filters().T

    def call(self, audio):
        """Log-mel of `audio`, float32 [batch, samples] at `features.sample_rate`; any number of samples."""
        features = self.features
        frames = tf.shape(audio)[1] // features.hop
        # librosa's centred transform: frame t is centred on sample t * hop, with zeros past both ends.
        padded = tf.pad(audio, [[0, 0], [features.n_fft // 2, features.n_fft // 2]])
        spectrum = tf.signal.stft(padded, features.n_fft, features.hop, features.n_fft)[:, :frames]
        mel = tf.matmul(tf.abs(spectrum), self._filters)
        return tf.math.log1p(features.gain * mel) / math.log(10.0)

    def compute_output_shape(self, input_shape) -> tuple:
        """(batch, samples // hop, n_mels); None where the number of samples is None."""
        samples = input_shape[1]
        frames = None if samples is None else self.features.frames(samples)
        return (input_shape[0], frames, self.features.n_mels)

    def get_config(self) -> dict:
        """Constructor arguments as JSON; `from_config` reads them back."""
        return {**super().get_config(), "features": dataclasses.asdict(self.features)}

    @classmethod
    def from_config(cls, config: dict) -> "LogMelFrontend":
        """Inverse of `get_config`."""
        return cls(**{**config, "features": LogMel(**config["features"])})
