"""Whether two files hold the same recording, by their log-mels laid over one another.

The log-mels are levelled, pooled to 32 bands and smoothed, so that neither the encoding nor where the frames begin
matters. A cross-correlation finds where one begins in the other; then each 2 s must correlate. Another performance, the
same song in another key or with a voice over it, does not; nor does one at another speed.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from dmml_tf.conditions.labels import Array
from tfrecords_tools.features import PAPER_CHAIN

# The paper's chain, of whole files at one loudness: a copy that is 6 dB quieter has the same log-mel.
CHAIN = dataclasses.replace(PAPER_CHAIN, loudness=-23.0)
# From it on two files are called the same recording. How it was chosen: docs/duplicates.md.
SAME = 0.9
LEAST_OVERLAP = 0.75  # share of the longer file that both must have
BANDS = 32
_EVERY = 2  # frames of the log-mel a row of a print
ROWS_PER_SECOND = CHAIN.frames_per_second / _EVERY
_SMOOTHING = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1], np.float32) / 256  # so that what lies between two rows is known
_UNITS = 128.0  # of a log-mel's 1: eight bits reach 2, and at -23 LUFS hardly a band is above 1
_SEGMENT = round(2 * ROWS_PER_SECOND)
_LOWEST_SHARE = 10  # per cent of the segments that may be less alike
_STILL = 0.02  # of the mean variation: a segment that varies less in both files says nothing
_SHIFTS = (-0.5, -0.25, 0.0, 0.25, 0.5)  # rows


class Alignment(NamedTuple):
    """How two files lie over one another.

    Attributes:
        similarity: correlation, at most 1, that 90 % of the 2 s segments reach; 0 where they do not overlap enough,
            or nothing in them ever changes.
        offset: seconds of the first file that are before the beginning of the second; below 0 the other way round.
    """

    similarity: float
    offset: float


def sound_print(log_mel: Array) -> Array:
    """What is kept of a file to compare it: 690 bytes a second.

    Args:
        log_mel: float [frames, 128] of `CHAIN`.

    Returns:
        uint8 [rows, 32], 21.5 rows a second.
    """
    bands = log_mel.reshape(len(log_mel), BANDS, -1).mean(axis=2, dtype=np.float32)
    half = len(_SMOOTHING) // 2
    padded = np.pad(bands, ((half, half), (0, 0)), mode="edge")
    smooth = sliding_window_view(padded, len(_SMOOTHING), axis=0)[::_EVERY] @ _SMOOTHING
    return np.asarray(np.clip(np.rint(_UNITS * smooth), 0, 255), np.uint8)


def align(first: Array, second: Array) -> Alignment:
    """Lays two prints, uint8 [rows, 32], over one another where they correlate best.

    Where one begins in the other is known to a quarter of a row, 12 ms.
    """
    a, b = (np.asarray(rows, np.float32) for rows in (first, second))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    lag = _best_lag(a, b)
    if lag is None:
        return Alignment(0.0, 0.0)
    begin, end = max(0, lag), min(len(a), lag + len(b))
    part, other = a[begin:end], b[begin - lag : end - lag]
    best = max(_SHIFTS, key=lambda shift: _cosine(part, _shifted(other, shift)))
    return Alignment(_similarity(part, _shifted(other, best)), (lag + best) / ROWS_PER_SECOND)


def _best_lag(a: Array, b: Array) -> int | None:
    """Rows of `a` before `b` begins, where both correlate best; None where no overlap is long enough.

    All bands are correlated by Fourier transforms, and each sum is divided by the lengths of what overlaps.
    """
    size = scipy.fft.next_fast_len(len(a) + len(b) - 1, real=True)
    spectra = scipy.fft.rfft(a, size, axis=0) * scipy.fft.rfft(b, size, axis=0).conj()
    products = scipy.fft.irfft(spectra.sum(axis=1), size)
    lags = np.arange(1 - len(b), len(a))
    begin, end = np.maximum(0, lags), np.minimum(len(a), lags + len(b))
    enough = end - begin >= LEAST_OVERLAP * max(len(a), len(b))
    lags, begin, end = lags[enough], begin[enough], end[enough]
    if not len(lags):
        return None
    powers = _power(a, begin, end) * _power(b, begin - lags, end - lags)
    return int(lags[np.argmax(products[lags] / np.sqrt(powers + 1e-9))])


def _power(rows: Array, begin: Array, end: Array) -> Array:
    """The sum of squares of `rows[begin:end]`, of each pair."""
    sums = np.concatenate([[0.0], np.cumsum(np.square(rows).sum(axis=1), dtype=np.float64)])
    return np.asarray(sums[end] - sums[begin])


def _shifted(rows: Array, shift: float) -> Array:
    """The rows that begin `shift` rows later, at most 1 in either direction, by straight lines between them."""
    beside = np.concatenate([rows[:1], rows[:-1]]) if shift > 0 else np.concatenate([rows[1:], rows[-1:]])
    return np.asarray((1 - abs(shift)) * rows + abs(shift) * beside)


def _cosine(a: Array, b: Array) -> float:
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum() + 1e-9))


def _similarity(a: Array, b: Array) -> float:
    """The correlation that all but the least alike tenth of the segments reach."""
    count = max(1, len(a) // _SEGMENT)
    cut_a, cut_b = np.array_split(a, count), np.array_split(b, count)
    pairs = [(x - x.mean(axis=0), y - y.mean(axis=0)) for x, y in zip(cut_a, cut_b)]
    products = np.array([(x * y).sum() for x, y in pairs])
    powers = np.array([((x**2).sum(), (y**2).sum()) for x, y in pairs])
    moving = powers.max(axis=1) > _STILL * powers.mean()
    if not moving.any():
        return 0.0
    correlations = products[moving] / np.sqrt(powers[moving].prod(axis=1) + 1e-9)
    return float(np.percentile(correlations, _LOWEST_SHARE))
