"""What a served graph refuses, in one line."""

import contextlib
import math

import tensorflow as tf

from tfrecords_tools.audio.decode import LARGEST_SAMPLE
from tfrecords_tools.features import LogMel
from tfrecords_tools.loudness import ABSOLUTE_GATE

LEAST_SECONDS = 3.0
_ROUNDING = 1e-3  # seconds that rounding in a resampler may cost a file of exactly 3 s
_AUDIO_MEND = "audio is finite and lies in -1..1; divide 16-bit numbers by 32768, and decode again what holds nan"


def require(condition: tf.Tensor, message: tf.Tensor) -> contextlib.AbstractContextManager:
    """Operations made under it run only after `condition`, bool [], was found true.

    When the graph runs and it is not, `InvalidArgumentError` carries `message`, string [].
    """
    return tf.control_dependencies([tf.debugging.Assert(condition, [message])])


def require_seconds(samples: tf.Tensor, sample_rate: int, what: str | tf.Tensor) -> contextlib.AbstractContextManager:
    """`require`s that many `samples`, int [], to be 3 s, within a millisecond as `tfrecords_tools.audio.decode`.

    Args:
        what: first words of the message, string []: what is too short.
    """
    seconds = tf.cast(samples, tf.float32) / sample_rate
    needed = f" s, at least 3 s ({3 * sample_rate} samples at {sample_rate} Hz) are needed"
    message = tf.strings.join([what, " is too short: ", tf.strings.as_string(seconds, precision=2), needed])
    return require(seconds >= LEAST_SECONDS - _ROUNDING, message)


def require_audio(samples: tf.Tensor, name: str, first_row: tf.Tensor | int = 0) -> tf.Tensor:
    """`samples`, float32 [batch, ...], once all of them were found to be finite and to have the level of audio.

    Args:
        name: of the signature's input; the message says `name[row]`.
        first_row: row of the input that the first of `samples` is.
    """
    return _within(samples, -LARGEST_SAMPLE, LARGEST_SAMPLE, name, first_row, _AUDIO_MEND)


def require_log_mel(log_mel: tf.Tensor, name: str, features: LogMel) -> tf.Tensor:
    """`log_mel`, float32 [batch, frames, bands], once it was found to be finite, and what `features` can give."""
    most = math.log10(1.0 + features.gain * LARGEST_SAMPLE * _largest_magnitude(features))
    mend = (
        f"log-mels are finite and lie in 0..{most:.1f}; send log10(1 + {features.gain:g} S) of mel magnitudes S, not "
        "scaled in any other way"
    )
    return _within(log_mel, 0.0, most, name, 0, mend)


def require_sound(power: tf.Tensor, name: str, first_row: tf.Tensor | int = 0) -> tf.Tensor:
    """`power`, float32 [batch], each song's `integrated_power`, once none of them was found to be silent.

    Args:
        name, first_row: as for `require_audio`.
    """
    row = _first(power <= 0.0) + tf.cast(first_row, tf.int64)
    silent = f"] is silent: nothing in it is louder than {ABSOLUTE_GATE:g} LUFS"
    told = tf.strings.reduce_join(tf.strings.join([name, "[", tf.strings.as_string(row), silent]))
    with require(tf.reduce_all(power > 0.0), told):
        return tf.identity(power)


def row_name(name: str, row: tf.Tensor) -> tf.Tensor:
    """string []: `name[row]`, as messages call one row of a batch."""
    return tf.strings.join([name, "[", tf.strings.as_string(row), "]"])


def _within(
    values: tf.Tensor, least: float, most: float, name: str, first_row: tf.Tensor | int, mend: str
) -> tf.Tensor:
    # A comparison with NaN is false.
    outside = tf.reshape(~((values >= least) & (values <= most)), [-1])
    place = _first(outside)
    row = place // tf.cast(tf.size(outside) // tf.maximum(tf.shape(values)[0], 1), tf.int64) + tf.cast(
        first_row, tf.int64
    )
    value = tf.strings.as_string(tf.gather(tf.reshape(values, [-1]), place), shortest=True)
    told = tf.strings.join([name, "[", tf.strings.as_string(row), "] holds ", value, ": ", mend])
    with require(~tf.reduce_any(outside), tf.strings.reduce_join(told)):
        return tf.identity(values)


def _first(found: tf.Tensor) -> tf.Tensor:
    """int64 [1]: where `found`, bool [size], is true first; of shape [0] where it is nowhere, and no message needed."""
    return tf.where(found)[:1, 0]


def _largest_magnitude(features: LogMel) -> float:
    """The mel magnitude that no audio in -1..1 exceeds: each bin is at most the sum of the (Hann) window."""
    return features.n_fft / 2 * float(features.mel_filters().sum(axis=1).max())
