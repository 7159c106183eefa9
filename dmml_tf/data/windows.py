"""Windows of tracks: a labelled batch of them, where they begin, and the random gains they may pass through."""

import dataclasses

import numpy as np

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.signal import Signal
from tfrecords_tools.features import PAPER_CHAIN, LogMel


@dataclasses.dataclass(frozen=True)
class Windows:
    """B windows and what is known of them.

    Attributes:
        sound: float32 [B, 129, 128] or [B, samples], as the signal has it.
        labels: label columns of the windows, with `track` and `start`.
        track_ids: B strings.
    """

    sound: Array
    labels: Labels
    track_ids: list[str]


def window_starts(frames: int, count: int, rng: np.random.Generator, features: LogMel = PAPER_CHAIN) -> Array:
    """int [count] random window starts in a track, pairwise half a window or more apart where it fits.

    In a track too short for that the starts are drawn freely: such windows overlap by more than
    half, and `same_track` does not pair them.
    """
    last = max(frames - features.window_frames, 0)
    spare = last - (count - 1) * features.half_window
    if spare < 0:
        return rng.integers(last + 1, size=count)
    # Sorted draws from the spare room, then spread: uniform over all placements that keep the distance.
    starts = rng.integers(spare + 1, size=count)
    starts.sort()
    starts += np.arange(0, count * features.half_window, features.half_window)
    rng.shuffle(starts)
    return starts


def vary(windows: Array, equaliser_db: float, gain_db: float, rng: np.random.Generator, signal: Signal) -> Array:
    """Each window through an equaliser and at a loudness of its own; as it is where both limits are 0.

    The equaliser's gain goes in a straight line from the lowest band to the highest.

    Args:
        windows: float32 [B, frames, bands] of log10(1 + 10 S), or [B, samples].
        equaliser_db: both ends of the line are drawn between minus and plus this many dB.
        gain_db: the gain of all bands is drawn between minus and plus this many dB.
        signal: which of the two forms.
    """
    decibels = np.zeros((len(windows), 1))
    if equaliser_db:
        low, high = rng.uniform(-equaliser_db, equaliser_db, (2, len(windows), 1))
        decibels = low + (high - low) * signal.places()
    if gain_db:
        decibels = decibels + rng.uniform(-gain_db, gain_db, (len(windows), 1))
    return signal.amplify(windows, 10 ** (decibels / 20)) if equaliser_db or gain_db else windows
