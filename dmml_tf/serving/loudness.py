"""A chain's loudness in TensorFlow operations, so that a served model levels what it is sent.

The same figures in the same order as `tfrecords_tools.loudness`, on the frames that `LogMel` takes.
"""

import math

import tensorflow as tf

from tfrecords_tools.features import LogMel
from tfrecords_tools.loudness import ABSOLUTE_GATE, RELATIVE_GATE, block_frames, power_of, power_weights


def level(audio: tf.Tensor, power: tf.Tensor, features: LogMel) -> tf.Tensor:
    """Songs at the chain's loudness, each by a gain of its own; as they are where it has none, or they are silent.

    Args:
        audio: float32 [batch, samples] of at least 3 s.
        power: float32 [batch], its `integrated_power`.
        features: the signal chain.

    Returns:
        float32 of the same shape; not clipped.
    """
    if features.loudness is None:
        return audio
    gain = tf.sqrt(power_of(features.loudness) / tf.where(power > 0, power, 1.0))
    return audio * tf.where(power > 0, gain, 1.0)[:, None]


def integrated_power(audio: tf.Tensor, features: LogMel) -> tf.Tensor:
    """float32 [batch]: the K-weighted mean square of what passes both gates; 0 where nothing does."""
    half = features.n_fft // 2
    spectrum = tf.signal.stft(tf.pad(audio, [[0, 0], [half, half]]), features.n_fft, features.hop, features.n_fft)
    frames = tf.shape(audio)[1] // features.hop
    powers = tf.linalg.matvec(
        tf.square(tf.abs(spectrum[:, :frames])), power_weights(features.sample_rate, features.n_fft)
    )
    blocks = tf.reduce_mean(tf.signal.frame(powers, *block_frames(features.frames_per_second)), axis=-1)
    audible = blocks > power_of(ABSOLUTE_GATE)
    gate = _mean_where(audible, blocks) * math.pow(10, RELATIVE_GATE / 10)
    return _mean_where(audible & (blocks > gate[:, None]), blocks)


def _mean_where(kept: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """float32 [batch]: the mean over the second axis of those that are kept; 0 where none is."""
    total = tf.reduce_sum(tf.where(kept, values, 0.0), axis=1)
    return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(kept, tf.float32), axis=1))
