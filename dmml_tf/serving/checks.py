"""What a served graph refuses, in one line."""

import contextlib

import tensorflow as tf

LEAST_SECONDS = 3.0
_ROUNDING = 1e-3  # seconds that rounding in a resampler may cost a file of exactly 3 s


def require(condition: tf.Tensor, message: tf.Tensor) -> contextlib.AbstractContextManager:
    """Operations made under it run only after `condition`, bool [], was found true.

    When the graph runs and it is not, `InvalidArgumentError` carries `message`, string [].
    """
    return tf.control_dependencies([tf.debugging.Assert(condition, [message])])


def require_seconds(samples: tf.Tensor, sample_rate: int, what: str) -> contextlib.AbstractContextManager:
    """`require`s that many `samples`, int [], to be 3 s, within a millisecond as `tfrecords_tools.audio.decode`.

    Args:
        what: first words of the message: what is too short.
    """
    seconds = tf.cast(samples, tf.float32) / sample_rate
    needed = f" s, at least 3 s ({3 * sample_rate} samples at {sample_rate} Hz) are needed"
    message = tf.strings.join([what + " is too short: ", tf.strings.as_string(seconds, precision=2), needed])
    return require(seconds >= LEAST_SECONDS - _ROUNDING, message)
