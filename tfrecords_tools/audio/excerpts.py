"""Excerpts spread over a song, each reached by seeking, in place of all of it."""

import os
from collections.abc import Iterator

import numpy as np

from tfrecords_tools.audio.blocks import AudioError
from tfrecords_tools.audio.decode import mono_blocks
from tfrecords_tools.audio.reading import parts_in, seconds_of
from tfrecords_tools.notes import Note

# Where excerpts would be a greater part of the song than this, decoding it from end to end is as fast.
_MOST = 0.5
# What commands say of the flag.
HELP = (
    "Windows of 3 s, spread over a song and reached by seeking, that are heard in place of all of it; 12 cost less "
    "than half of the time. 0: all."
)


def excerpt_starts(seconds: float, count: int, length: float) -> list[float]:
    """Where the excerpts begin, in seconds: each in the middle of one of `count` equal parts; none of a short song.

    Args:
        seconds: of the song.
        count: of the excerpts.
        length: of each, in seconds.
    """
    if count * length > _MOST * seconds:
        return []
    part = seconds / count
    return [(number + 0.5) * part - length / 2 for number in range(count)]


def excerpt_blocks(
    path: str | os.PathLike, sample_rate: int, count: int, samples: int, notes: list[Note]
) -> tuple[Iterator[np.ndarray], float] | None:
    """A file's excerpts one behind the other, and the seconds of the whole file.

    What is odd in a file, or cut short, is noticed only where it lies in an excerpt.

    Args:
        path: an audio file.
        sample_rate: Hz of the blocks.
        count: of the excerpts.
        samples: of each; the blocks have as many.
        notes: takes what was odd in the first of them.

    Returns:
        None where the file's length is not known without decoding it, or is too short to leave anything out.

    Raises:
        AudioError: while the blocks are read, as `mono_blocks`.
    """
    odd: list[Note] = []
    try:
        # Once: to look at a file takes as long as to hear an excerpt of it.
        parts = parts_in(path, odd)
    except (AudioError, OSError, ValueError):
        return None
    seconds = seconds_of(path, parts)
    starts = excerpt_starts(seconds, count, samples / sample_rate) if seconds else []
    if seconds is None or not starts:
        return None

    def blocks() -> Iterator[np.ndarray]:
        notes.extend(odd)
        for number, start in enumerate(starts):
            # A tenth of a second more: what a resampler holds back at the end.
            most, said = samples / sample_rate + 0.1, [] if number else notes
            excerpt = np.concatenate(list(mono_blocks(path, sample_rate, start, most, said, parts)))[:samples]
            yield np.pad(excerpt, (0, samples - len(excerpt)))

    return blocks(), seconds
