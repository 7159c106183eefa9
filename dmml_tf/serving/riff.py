"""A WAV file's bytes -> its samples, channel by channel, in TensorFlow operations: a served model takes files.

Sources: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF, RIFX, WAVE), and WAVEFORMATEX
and WAVEFORMATEXTENSIBLE of its Windows SDK; EBU Tech 3306 (RF64).
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from dmml_tf.serving.checks import require
from tfrecords_tools.audio.decode import BELIEVABLE_RATES

_MOST_CHANNELS = 64
_MOST_CHUNKS = 1000  # before the sound: each costs a step of a loop, and a hostile file could ask for millions
_FORMAT_BYTES = 40  # of a `fmt ` chunk: of WAVEFORMATEXTENSIBLE, the longest one
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_NAMES = {
    0x02: "MS ADPCM",
    0x06: "A-law",
    0x07: "mu-law",
    0x11: "IMA ADPCM",
    0x31: "GSM 6.10",
    0x50: "MPEG",
    0x55: "mp3",
}
# Sizes from here on are what programs write that could not know the size.
_UNKNOWN_SIZE = 0x7FFF0000
_MEND = "; encode it as WAV of 16-bit PCM"


class Sound(NamedTuple):
    """What a WAV file holds.

    Attributes:
        samples: float32 [frames, channels], integers scaled to -1..1.
        rate: int64 [], Hz.
        mask: int64 [], the speakers that the channels are for, as bits of `dwChannelMask`; 0 where none are named.
    """

    samples: tf.Tensor
    rate: tf.Tensor
    mask: tf.Tensor


class _Header(NamedTuple):
    """int64 [] each: fields of the `fmt ` chunk, and where the sound begins and how many bytes it has."""

    tag: tf.Tensor
    channels: tf.Tensor
    rate: tf.Tensor
    width: tf.Tensor
    mask: tf.Tensor
    start: tf.Tensor
    size: tf.Tensor


def read_wav(wav: tf.Tensor, what: tf.Tensor) -> Sound:
    """The sound of one WAV file: PCM of 8, 16, 24 and 32 bits and floating point of 32 and 64, any other chunks.

    A size that is 0, that is unknown, or that reaches beyond the end means: to the end, as pipes are written.

    Args:
        wav: string [], the file's bytes: RIFF, RIFX or RF64.
        what: string [], the file's name in messages.

    Raises:
        InvalidArgumentError: when the graph runs, if `wav` is not such a file.
    """
    head = tf.strings.substr(wav, 0, 4)
    is_wav = tf.reduce_any(head == [b"RIFF", b"RIFX", b"RF64"]) & (_text(wav, 8, 4) == b"WAVE")
    with require(is_wav, tf.strings.join([what, " is no WAV file: it does not begin with RIFF and WAVE", _MEND])):
        big = tf.identity(head == b"RIFX")
    header = _checked(_header(wav, big), what)
    frame = header.width * header.channels
    body = tf.strings.substr(wav, header.start, header.size // frame * frame)
    decoders = [functools.partial(decode, body, little) for little in (True, False) for decode in _DECODERS.values()]
    kinds = tf.constant(list(_DECODERS), tf.int64)
    kind = tf.argmax(tf.reduce_all(kinds == [header.tag, header.width], axis=1), output_type=tf.int32)
    samples = tf.switch_case(kind + len(_DECODERS) * tf.cast(big, tf.int32), decoders)
    return Sound(tf.reshape(samples, tf.stack([_int(-1), header.channels])), header.rate, header.mask)


def _header(wav: tf.Tensor, big: tf.Tensor) -> _Header:
    """Of the chunks up to the sound; `start` is -1 where there is none, `channels` 0 where no format stands before."""
    length = _int(tf.strings.length(wav))

    def step(place, form, _, long_size):
        name, size, body = _text(wav, place, 4), _number(_bytes(wav, place + 4, 4), big), place + 8
        # What lies behind a shorter chunk is not the format's.
        read = tf.where(tf.range(_FORMAT_BYTES, dtype=tf.int64) < size, _bytes(wav, body, _FORMAT_BYTES), 0)
        form = tf.where(name == b"fmt ", read, form)
        long_size = tf.where(name == b"ds64", _number(_bytes(wav, body + 8, 4), big), long_size)
        start = tf.where(name == b"data", body, -1)
        return tf.where(name == b"data", place, body + size + size % 2), form, start, long_size

    place, form, start, long_size = tf.while_loop(
        lambda place, _, start, __: (start < 0) & (place + 8 <= length),
        step,
        (tf.constant(12, tf.int64), tf.zeros(_FORMAT_BYTES, tf.int64), tf.constant(-1, tf.int64), _int(_UNKNOWN_SIZE)),
        maximum_iterations=_MOST_CHUNKS,
    )
    left = length - start
    size = _number(_bytes(wav, place + 4, 4), big)
    size = tf.where(size == 0xFFFFFFFF, long_size, size)
    size = tf.where((size == 0) | (size >= _UNKNOWN_SIZE), left, tf.minimum(size, left))
    tag, channels, align, bits = (_number(form[at : at + 2], big) for at in (0, 2, 12, 14))
    tag = tf.where(tag == _EXTENSIBLE, _number(form[24:26], big), tag)
    # Samples of 12 or 20 bits lie at the upper end of what the block is divided into.
    width = tf.where(
        (align > 0) & (align % tf.maximum(channels, 1) == 0), align // tf.maximum(channels, 1), -(-bits // 8)
    )
    mask = tf.where(_number(form[:2], big) == _EXTENSIBLE, _number(form[20:24], big), 0)
    return _Header(tag, channels, _number(form[4:8], big), width, mask, start, size)


def _checked(header: _Header, what: tf.Tensor) -> _Header:
    """The header, once it was found to be one that can be read."""
    kinds = tf.constant(list(_DECODERS), tf.int64)
    known = tf.reduce_any(tf.reduce_all(kinds == [header.tag, header.width], axis=1))
    named = tf.concat([[header.tag == tag for tag in _NAMES], [True]], axis=0)
    name = tf.constant([f" ({name})" for name in _NAMES.values()] + [""])[tf.argmax(named)]
    text = tf.strings.as_string
    lowest, highest = BELIEVABLE_RATES
    for condition, words in (
        (header.start >= 0, [" has no data chunk: no sound"]),
        (header.channels > 0, [" has no fmt chunk that names its channels before its sound"]),
        (header.channels <= _MOST_CHANNELS, [" has a header that says ", text(header.channels), " channels"]),
        (
            (header.rate >= lowest) & (header.rate <= highest),
            [" has a header that says ", text(header.rate), " Hz, which no recording has"],
        ),
        (known, [" holds samples of format ", text(header.tag), name, ", ", text(8 * header.width), " bits"]),
    ):
        with require(condition, tf.strings.join([what, *words, _MEND])):
            header = _Header(*map(tf.identity, header))
    return header


def _whole(dtype: tf.DType, body: tf.Tensor, little: bool) -> tf.Tensor:
    """float32 [samples] of integers."""
    return tf.cast(tf.io.decode_raw(body, dtype, little_endian=little), tf.float32) / (dtype.max + 1)


def _unsigned(body: tf.Tensor, _: bool) -> tf.Tensor:
    return (tf.cast(tf.io.decode_raw(body, tf.uint8), tf.float32) - 128.0) / 128.0


def _three_bytes(body: tf.Tensor, little: bool) -> tf.Tensor:
    parts = tf.reshape(tf.io.decode_raw(body, tf.uint8), [-1, 3])
    # The three upper bytes of four, in the order of this machine, which is little-endian.
    four = tf.pad(parts if little else parts[:, ::-1], [[0, 0], [1, 0]])
    return tf.cast(tf.bitcast(four, tf.int32), tf.float32) / 2.0**31


def _floating(dtype: tf.DType, body: tf.Tensor, little: bool) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(body, dtype, little_endian=little), tf.float32)


# (format tag, bytes a sample) -> samples float32 [samples] of (bytes, whether little-endian).
_DECODERS: dict[tuple[int, int], Callable[[tf.Tensor, bool], tf.Tensor]] = {
    (_PCM, 1): _unsigned,
    (_PCM, 2): functools.partial(_whole, tf.int16),
    (_PCM, 3): _three_bytes,
    (_PCM, 4): functools.partial(_whole, tf.int32),
    (_FLOAT, 4): functools.partial(_floating, tf.float32),
    (_FLOAT, 8): functools.partial(_floating, tf.float64),
}


def _text(wav: tf.Tensor, place: tf.Tensor | int, count: int) -> tf.Tensor:
    """string []: `count` bytes, or as many as there are."""
    place = tf.minimum(_int(place), _int(tf.strings.length(wav)))
    return tf.strings.substr(wav, place, _int(count))


def _bytes(wav: tf.Tensor, place: tf.Tensor, count: int) -> tf.Tensor:
    """int64 [count], zeros beyond the end."""
    found = tf.cast(tf.io.decode_raw(_text(wav, place, count), tf.uint8), tf.int64)
    return tf.ensure_shape(tf.pad(found, [[0, count - tf.size(found)]]), [count])


def _number(parts: tf.Tensor, big: tf.Tensor) -> tf.Tensor:
    """int64 [] of a number's bytes, int64 [count]."""
    return tf.reduce_sum(
        tf.where(big, parts[::-1], parts) * tf.constant([256**k for k in range(parts.shape[0])], tf.int64)
    )


def _int(value: tf.Tensor | int) -> tf.Tensor:
    return tf.cast(value, tf.int64)
