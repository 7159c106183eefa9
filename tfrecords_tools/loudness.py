"""Loudness of a mono track, from the spectra that the signal chain makes anyway.

Source: ITU-R BS.1770-4, annex 1: K weighting, blocks of 400 ms of which three quarters overlap, an absolute gate at
-70 LUFS and a relative one 10 LU below what passes it. Two things differ, and cost less than 0.1 LU on music: the
weighting is applied to the powers of a frame's frequencies, not to samples, and a block is a whole number of frames.
"""

import functools
import math

import numpy as np

ABSOLUTE_GATE = -70.0  # LUFS; a track without a block above it is silent
RELATIVE_GATE = -10.0  # LU
SILENT = -math.inf  # the loudness of a silent track
_OFFSET = -0.691  # LU; a tone of 997 Hz at full scale is -3.01 LUFS
_BLOCK_SECONDS, _STEP_SECONDS = 0.4, 0.1


@functools.lru_cache(maxsize=4)
def power_weights(sample_rate: int, n_fft: int) -> np.ndarray:
    """What a frame's K-weighted mean square is made of: float32 [1 + n_fft / 2], for the powers of its spectrum.

    For spectra under a periodic Hann window. Do not write to it.
    """
    response = _shelf(sample_rate, n_fft) * _high_pass(sample_rate, n_fft)
    sides = np.full(n_fft // 2 + 1, 2.0)
    sides[-1] = 1.0
    # A constant offset is not heard, and the filters stop it; a window spreads it over the two lowest frequencies.
    sides[:2] = 0.0
    window_power = 3 / 8 * n_fft  # the sum of a Hann window's squares
    return (sides * np.abs(response) ** 2 / (n_fft * window_power)).astype(np.float32)


def block_frames(frames_per_second: float) -> tuple[int, int]:
    """Frames of a block, and from the start of one to that of the next (17 and 4 at 43 frames a second)."""
    return round(_BLOCK_SECONDS * frames_per_second), max(1, round(_STEP_SECONDS * frames_per_second))


def integrated(powers: np.ndarray, frames_per_second: float) -> float:
    """Loudness of a whole track.

    Args:
        powers: float [frames], the K-weighted mean square of each frame (see `power_weights`).
        frames_per_second: how many of them there are in a second.

    Returns:
        LUFS of one channel; `SILENT` if no block is above -70 LUFS, or if there is none.
    """
    length, step = block_frames(frames_per_second)
    if len(powers) < length:
        return SILENT
    blocks = np.lib.stride_tricks.sliding_window_view(powers.astype(np.float64), length)[::step].mean(axis=1)
    loud = blocks[blocks > power_of(ABSOLUTE_GATE)]
    if not len(loud):
        return SILENT
    loud = loud[loud > loud.mean() * 10 ** (RELATIVE_GATE / 10)]
    return _OFFSET + 10 * math.log10(loud.mean())


def power_of(lufs: float) -> float:
    """The K-weighted mean square whose loudness is `lufs`."""
    return 10 ** ((lufs - _OFFSET) / 10)


def gain_between(lufs: float, target: float | None) -> float:
    """The factor that brings samples of one loudness to another; 1 without a target and for what is silent."""
    return 1.0 if target is None or lufs == SILENT else 10 ** ((target - lufs) / 20)


def _shelf(sample_rate: int, n_fft: int) -> np.ndarray:
    """The head's effect: 4 dB above some 1.7 kHz. The analogue filter whose figures at 48 kHz are the standard's."""
    tangent, gain, quality = (
        math.tan(math.pi * 1681.974450955533 / sample_rate),
        10 ** (3.999843853973347 / 20),
        0.7071752369554196,
    )
    middle = gain**0.4996667741545416
    numerator = (
        gain + middle * tangent / quality + tangent**2,
        2 * (tangent**2 - gain),
        gain - middle * tangent / quality + tangent**2,
    )
    return _response(numerator, _denominator(tangent, quality), n_fft)


def _high_pass(sample_rate: int, n_fft: int) -> np.ndarray:
    """Little below 38 Hz; its numerator is 1, -2, 1 at every rate, as the standard's."""
    tangent, quality = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    denominator = _denominator(tangent, quality)
    return _response((denominator[0], -2 * denominator[0], denominator[0]), denominator, n_fft)


def _denominator(tangent: float, quality: float) -> tuple[float, float, float]:
    """Of a second-order section by the bilinear transform, not divided by its first number."""
    return 1 + tangent / quality + tangent**2, 2 * (tangent**2 - 1), 1 - tangent / quality + tangent**2


def _response(numerator: tuple, denominator: tuple, n_fft: int) -> np.ndarray:
    """complex128 [1 + n_fft / 2] of a second-order section at the frequencies of a transform."""
    delay = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft)
    return np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
