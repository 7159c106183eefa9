"""Frontends that end in a map: what the records hold, or samples, to the [129, 128] (or [129, 128, channels]) that
the stem reads.

Each is a function of the signal chain that gives (input, map), both symbolic, for a functional model. The first
sample of an `audio` window is the middle of its first frame.
"""

from collections.abc import Callable

from tensorflow import keras

from dmml_tf.models.frontends import LogMelFrontend
from dmml_tf.models.leaf import leaf_map
from dmml_tf.models.multi_input import joined_map
from tfrecords_tools.features import LogMel

layers = keras.layers


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
