"""Channels -> mono in TensorFlow operations, by the law, stretches and bounds of `tfrecords_tools.audio.downmix`."""

import numpy as np
import tensorflow as tf

from tfrecords_tools.audio.downmix import (
    CANCELLED_SHARE,
    LEAST_POWER,
    SILENT_SHARE,
    STRETCH_SECONDS,
    USUAL_CHANNELS,
    WEIGHTS,
    mono_weights,
)

_MASK_BITS = 32
_SPEAKERS = 18  # that a mask names: the first of `WEIGHTS`
_UNKNOWN = -1.0
_MOST = max(USUAL_CHANNELS)


def mix_down(samples: tf.Tensor, rate: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """One song's channels as `Downmix` mixes them, with the loudest one in stretches where they cancel or one is alone.

    Args:
        samples: float32 [frames, channels].
        rate: int64 [], Hz.
        mask: int64 [], what more than two channels are, by bits of a WAV's `dwChannelMask`; 0 where it names none.

    Returns:
        float32 [frames].
    """
    frames, channels = tf.unstack(tf.shape(samples, tf.int64))
    second = tf.maximum(tf.minimum(rate, frames), 1)
    count = -(-frames // (STRETCH_SECONDS * second))
    padded = tf.pad(samples, [[0, count * STRETCH_SECONDS * second - frames], [0, 0]])
    seconds = tf.reshape(padded, [count, STRETCH_SECONDS, second, channels])
    starts = tf.reshape(second * tf.range(count * STRETCH_SECONDS), [count, STRETCH_SECONDS, 1])
    lengths = tf.cast(tf.clip_by_value(frames - starts, 0, second), tf.float32)
    weights = _weights(channels, mask)
    mixed = tf.linalg.matvec(seconds, weights)
    squares = tf.reduce_sum(tf.square(seconds), axis=2)
    stretch = tf.reduce_sum(squares, axis=1, keepdims=True) / tf.reduce_sum(lengths, axis=1, keepdims=True)
    loudest = tf.reduce_max(stretch, axis=2)
    sounding = tf.math.count_nonzero(stretch >= SILENT_SHARE * loudest[..., None], axis=2)
    alone = (loudest > LEAST_POWER) & (sounding == 1)
    powers = tf.math.divide_no_nan(squares, lengths)
    power = tf.math.divide_no_nan(tf.reduce_sum(tf.square(mixed), axis=2), lengths[..., 0])
    shares = tf.square(weights) * powers
    cancelled = (tf.reduce_max(powers, axis=2) > LEAST_POWER) & (
        power < CANCELLED_SHARE * tf.reduce_sum(shares, axis=2)
    )
    favoured = 1.0 + tf.one_hot(tf.argmax(tf.square(weights) * stretch, axis=2), tf.cast(channels, tf.int32))
    chosen = tf.where(alone, tf.argmax(stretch, axis=2), tf.argmax(shares * favoured, axis=2))
    taken = tf.gather(seconds, chosen, axis=3, batch_dims=2)
    return tf.reshape(tf.where((alone | cancelled)[..., None], taken, mixed), [-1])[:frames]


def _weights(channels: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """float32 [channels]: `mono_weights` of the speakers that the mask names, if it names as many, or of the usual."""
    shares = list(WEIGHTS.values())[:_SPEAKERS] + [_UNKNOWN] * (_MASK_BITS - _SPEAKERS)
    bits = tf.bitwise.bitwise_and(tf.bitwise.right_shift(mask, tf.range(_MASK_BITS, dtype=tf.int64)), 1) == 1
    named = tf.boolean_mask(tf.constant(shares), bits)
    alike = tf.fill([channels], 1.0 / tf.cast(channels, tf.float32))
    usual = np.zeros((_MOST + 1, _MOST), np.float32)
    for number, names in USUAL_CHANNELS.items():
        usual[number, :number] = mono_weights(names)
    of_number = tf.cond(
        channels <= _MOST, lambda: tf.constant(usual)[tf.minimum(channels, _MOST)][:channels], lambda: alike
    )
    found = tf.cond((tf.size(named, tf.int64) == channels) & (channels > 2), lambda: named, lambda: of_number)
    # One channel is taken as it is; where a speaker is unknown, or none counts, all are alike.
    return tf.where((channels == 1) | tf.reduce_any(found < 0.0) | tf.reduce_all(found == 0.0), alike, found)
