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
    stretch = tf.maximum(tf.minimum(tf.cast(STRETCH_SECONDS, tf.int64) * rate, frames), 1)
    count = -(-frames // stretch)
    padded = tf.pad(samples, [[0, count * stretch - frames], [0, 0]])
    stretches = tf.reshape(padded, [count, stretch, channels])
    lengths = tf.cast(tf.minimum(stretch, frames - tf.range(count) * stretch), tf.float32)[:, None]
    weights = _weights(channels, mask)
    powers = tf.reduce_sum(tf.square(stretches), axis=1) / lengths
    mixed = tf.linalg.matvec(stretches, weights)
    power = tf.reduce_sum(tf.square(mixed), axis=1, keepdims=True) / lengths
    shares = tf.square(weights) * powers
    loudest = tf.reduce_max(powers, axis=1, keepdims=True)
    alone = tf.math.count_nonzero(powers >= SILENT_SHARE * loudest, axis=1, keepdims=True) == 1
    cancelled = power < CANCELLED_SHARE * tf.reduce_sum(shares, axis=1, keepdims=True)
    chosen = tf.where(alone[:, 0], tf.argmax(powers, axis=1), tf.argmax(shares, axis=1))
    taken = tf.gather(stretches, chosen, axis=2, batch_dims=1)
    mono = tf.where((loudest > LEAST_POWER) & (alone | cancelled), taken, mixed)
    return tf.reshape(mono, [-1])[:frames]


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
