"""WAV bytes -> mono samples at one rate, in TensorFlow operations, so that a served model takes files.

Agrees with `tfrecords_tools.audio.decode.load_mono` (soundfile and soxr) except in what it reads: PCM and floating
point. Compressed WAV (A-law, mu-law, ADPCM, ...) is refused by it.
"""

import tensorflow as tf

from dmml_tf.serving.checks import require_audio, row_name
from dmml_tf.serving.mono import mix_down
from dmml_tf.serving.riff import read_wav
from dmml_tf.serving.soxr_response import POINTS, RATES, responses


def decode_mono(wav: tf.Tensor, sample_rate: int, row: tf.Tensor | int = 0) -> tf.Tensor:
    """Samples of one WAV file: decoded, mixed down as `tfrecords_tools.audio.downmix` and resampled.

    Args:
        wav: string [], the bytes of a file as `read_wav` takes them, of any number of channels.
        sample_rate: Hz wanted.
        row: of the batch, for messages.

    Returns:
        float32 [samples] in about -1..1.

    Raises:
        InvalidArgumentError: when the graph runs, if `wav` is not such a file, its rate is not one of 1,000
            to 768,000 Hz, or its samples are not finite or far beyond -1..1.
    """
    sound = read_wav(wav, row_name("wav", row))
    # Judged before they are mixed: infinities of both signs would give NaN.
    mono = mix_down(require_audio(sound.samples[None], "wav", row)[0], sound.rate, sound.mask)
    return tf.cond(
        tf.equal(sound.rate, sample_rate),
        lambda: mono,
        lambda: resample(mono, tf.cast(sound.rate, tf.int32), sample_rate),
    )


def resample(samples: tf.Tensor, rate: tf.Tensor, new_rate: int) -> tf.Tensor:
    """`samples` at another rate, by the filter that soxr's high quality is, applied in the frequency domain.

    One transform serves every pair of rates: a polyphase filter bank would need 22,050 filters for a
    rate of 44,101 Hz, and the rate is known only when the graph runs. The gain is soxr's own, measured by
    `soxr_response` at the rates that recordings have; a rate between them is given that of the nearest.

    Args:
        samples: float32 [samples]; silence is assumed before and after them.
        rate: int32 [], their rate in Hz.
        new_rate: Hz.

    Returns:
        float32 [samples * new_rate / rate], the length rounded to the nearest, as soxr does.
    """
    count, rate = tf.cast(tf.size(samples), tf.int64), tf.cast(rate, tf.int64)
    divisor = _greatest_common_divisor(rate, new_rate)
    down, up = rate // divisor, new_rate // divisor
    # Padded to a whole number of periods of both rates, after at least 20 ms of silence: the transform is
    # circular, and what rings past one end comes in at the other.
    periods = -(-(count + rate // 50) // down)
    spectrum = tf.signal.rfft(tf.pad(samples, [[0, periods * down - count]]))
    bins = tf.minimum(periods * down, periods * up) // 2 + 1
    position = tf.range(tf.cast(bins, tf.float32)) / (tf.cast(bins, tf.float32) - 1.0)  # 1 is the lower Nyquist
    gain = _gain(position, rate, new_rate) * (tf.cast(up, tf.float32) / tf.cast(down, tf.float32))
    kept = tf.pad(spectrum[:bins] * tf.cast(gain, tf.complex64), [[0, periods * up // 2 + 1 - bins]])
    resampled = tf.signal.irfft(kept, [tf.cast(periods * up, tf.int32)])
    return resampled[: (2 * count * up + down) // (2 * down)]


def _gain(position: tf.Tensor, rate: tf.Tensor, new_rate: int) -> tf.Tensor:
    """float32 of the shape of `position`, which is 0 to 1 of the lower Nyquist frequency."""
    known = tf.constant(RATES, tf.float32)
    nearest = tf.argmin(tf.abs(tf.math.log(tf.cast(rate, tf.float32) / known)))
    points = tf.constant(responses(new_rate))[nearest]
    place = position * (POINTS - 1)
    below = tf.minimum(tf.cast(place, tf.int32), POINTS - 2)
    part = place - tf.cast(below, tf.float32)
    return (1.0 - part) * tf.gather(points, below) + part * tf.gather(points, below + 1)


def _greatest_common_divisor(a: tf.Tensor, b: int) -> tf.Tensor:
    # Among the divisors of b, which is known: no loop in the graph.
    divisors = tf.constant([n for n in range(1, b + 1) if b % n == 0], tf.int64)
    return tf.reduce_max(tf.where(a % divisors == 0, divisors, 1))
