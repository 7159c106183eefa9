"""What soxr's high quality, by which records were made, lets through: measured from soxr itself.

It is linear in phase, passes 0.913 of the lower Nyquist frequency and stops at it. Between the two, and by less than
a thousandth below them, it depends on the pair of rates, as soxr builds each filter of other stages.
"""

import functools
import math

import numpy as np
import soxr

# Rates that recordings have; another one is taken for the nearest of these.
RATES = (
    8_000,
    11_025,
    12_000,
    16_000,
    18_900,
    24_000,
    32_000,
    37_800,
    44_056,
    44_100,
    47_250,
    48_000,
    50_000,
    64_000,
    88_200,
    96_000,
    176_400,
    192_000,
)
# Points from 0 to the lower Nyquist frequency: between two of them a straight line is right to 1e-5.
POINTS = 4097
# Periods of the lower rate that an impulse rings to either side, generously (soxr's filter has about 100).
_RING = 256
_TRANSFORM = 1 << 17


@functools.lru_cache(maxsize=4)
def responses(new_rate: int) -> np.ndarray:
    """float32 [len(RATES), POINTS], for each of `RATES` to `new_rate`; 1 is as loud as before. Do not write to it."""
    return np.stack([response(rate, new_rate) for rate in RATES]).astype(np.float32)


def response(rate: int, new_rate: int) -> np.ndarray:
    """float64 [POINTS]: the gain from 0 to half the lower of both rates.

    An impulse is sent through at an input sample whose time is an output sample's too, so that what comes out is
    the filter's own symmetric kernel at the new rate, and its transform is real.
    """
    divisor = math.gcd(rate, new_rate)
    down, up = rate // divisor, new_rate // divisor
    ring = _RING * max(1, math.ceil(new_rate / rate))
    periods = math.ceil(ring / up) + 1  # of both rates, before the impulse and after it
    impulse = np.zeros(2 * periods * down + 1, np.float32)
    impulse[periods * down] = 1.0
    kernel = soxr.resample(impulse, rate, new_rate, "HQ")[periods * up - ring : periods * up + ring + 1]
    turned = np.roll(np.pad(kernel.astype(np.float64), (0, _TRANSFORM - len(kernel))), -ring)
    gain = np.fft.rfft(turned).real * rate / new_rate
    hertz = np.arange(len(gain)) * new_rate / _TRANSFORM
    return np.interp(np.linspace(0.0, min(rate, new_rate) / 2, POINTS), hertz, gain)
