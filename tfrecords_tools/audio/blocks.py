"""What the readers of audio files give: blocks of samples with their rate and the names of their channels."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfrecords_tools.errors import UserError

# Frames of a file decoded at a time: memory does not grow with a track's length.
BLOCK_FRAMES = 1 << 16
# Seconds, 30 years: what a caller asks for is cut to it before it is counted in frames.
_LONGEST = 1e9


class AudioError(UserError):
    """One audio file that cannot be used; the message is the reason, without the file's name."""


class DecodeError(Exception):
    """A file, or a part of one, that a decoder cannot open or decode; the message is its reason."""


class Block(NamedTuple):
    """A stretch of decoded sound.

    Attributes:
        rate: Hz.
        channels: what each channel is, by FFmpeg's names (FL, FR, FC, LFE, ...); empty where the file does not say.
        samples: float32 [frames, channels].
    """

    rate: int
    channels: tuple[str, ...]
    samples: np.ndarray


def channel_names(count: int) -> tuple[str, ...]:
    """The names of one or two channels, which every format agrees on; of more, none are known by their number."""
    return {1: ("FC",), 2: ("FL", "FR")}.get(count, ())


def cut(blocks: Iterator[Block], start: float, seconds: float | None) -> Iterator[Block]:
    """The blocks of `seconds` from `start` on (s), each at its own rate; None takes all that follows."""
    stop = _LONGEST if seconds is None else min(start + seconds, _LONGEST)
    rate = done = first = end = 0
    before = 0.0  # seconds at other rates
    for block in blocks:
        if block.rate != rate:
            before += done / rate if rate else 0.0
            rate, done = block.rate, 0
            first = int(max(0.0, start - before) * rate)
            # As many frames as were asked for, wherever they begin.
            end = first + int((stop - max(start, before)) * rate)
        samples = block.samples[max(0, first - done) : max(0, end - done)]
        done += len(block.samples)
        if len(samples):
            yield block._replace(samples=samples)
        if done >= end:
            return
