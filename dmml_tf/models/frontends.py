"""Frontends: what the records hold, or samples, to the map [129, 128] (or [129, 128, channels]) that the stem reads.

Each is a function of the signal chain that gives (input, map), both symbolic, for a functional model. The first
sample of an `audio` window is the middle of its first frame. `LogMelFrontend` computes the log-mel inside the graph,
so that a served model takes samples.
"""

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras

from dmml_tf.models.leaf import leaf_map
from dmml_tf.models.multi_input import joined_map
from tfrecords_tools.features import PAPER_CHAIN, LogMel

layers = keras.layers


@keras.utils.register_keras_serializable(package="dmml")
class LogMelFrontend(keras.layers.Layer):
    """Log-mel of mono audio: float32 [batch, samples] -> float32 [batch, samples // hop, n_mels].

    Agrees with `LogMel.extract` (and through it with librosa) to 1e-5; section 3.2 of the paper.
    Standardisation is not part of it: the network's first layer does that.

    Attributes:
        features: the signal chain; the default is the paper's.
    """

    def __init__(self, features: LogMel = PAPER_CHAIN, **kwargs):
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


# Its name in the `.keras` files of earlier runs.
keras.utils.get_custom_objects()["dmml_tf>LogMelFrontend"] = LogMelFrontend


def audio_input(features: LogMel):
    """Input `audio`: samples of one 3 s excerpt in -1..1, float32 [batch, 66150] at 22,050 Hz."""
    return layers.Input((features.excerpt_samples,), name="audio")


def log_mel(features: LogMel):
    """Input `log_mel`, float32 [batch, 129, 128] of log10(1 + 10 S) as records hold it; map standardised."""
    window = layers.Input((features.window_frames, features.n_mels), name="log_mel")
    return window, _standardised(window, features)


def log_mel_audio(features: LogMel):
    """The same from `audio`. Only the first frame can differ from the record's, which also saw what came before."""
    audio = audio_input(features)
    return audio, _standardised(LogMelFrontend(features, name="log_mel")(audio), features)


def leaf(features: LogMel):
    """LEAF's learned filters, pool and normalisation on `audio`; see `dmml_tf.models.leaf`."""
    audio = audio_input(features)
    return audio, leaf_map(audio, features)


def multi_input(features: LogMel):
    """Log-mel, CENS chroma and tempogram of `audio`, as three channels; see `dmml_tf.models.multi_input`."""
    audio = audio_input(features)
    window = LogMelFrontend(features, name="log_mel")(audio)
    return audio, joined_map(audio, window, _standardised(window, features), features)


MAPS: dict[str, Callable] = {
    "log_mel": log_mel,
    "log_mel_audio": log_mel_audio,
    "leaf": leaf,
    "multi_input": multi_input,
}


def _standardised(window, features: LogMel):
    """The paper's fixed constants, in the network itself so that no caller can forget them."""
    return layers.Rescaling(1.0 / features.deviation, offset=-features.mean / features.deviation)(window)
