"""Windows of tracks: a labelled batch of them, where they begin, and the random gains they may pass through."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.signal import Signal
from tfrecords_tools.features import PAPER_CHAIN, LogMel


class Sound(NamedTuple):
    """B windows before they are played: a choice and a copy; what is computed on them, `play` does.

    Attributes:
        held: [B, 129, 128] of log10(1 + 10 S), or [B, samples], in the records' own dtype; float32 if varied.
        gains: float32 [B, 2], dB at the lowest and the highest pitch; a straight line, in mel, lies between.
    """

    held: Array
    gains: Array


@dataclasses.dataclass(frozen=True)
class Windows:
    """B windows and what is known of them.

    Attributes:
        sound: what they are made of.
        labels: label columns of the windows, with `track` and `start`.
        track_ids: B strings.
    """

    sound: Sound
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


def draw_gains(count: int, equaliser_db: float, gain_db: float, rng: np.random.Generator) -> Array:
    """Draws an equaliser and a loudness for each of `count` windows: float32 [count, 2], `Sound.gains`.

    Args:
        count: windows.
        equaliser_db: both ends of the equaliser's line are drawn between minus and plus this many dB.
        gain_db: the gain of all bands is drawn between minus and plus this many dB.
        rng: source of every choice; not used where both limits are 0.
    """
    ends = np.zeros((2, count))
    if equaliser_db:
        ends += rng.uniform(-equaliser_db, equaliser_db, (2, count))
    if gain_db:
        ends += rng.uniform(-gain_db, gain_db, count)
    return ends.T.astype(np.float32)


def play(sound: Sound, signal: Signal, amplified: bool) -> tf.Tensor:
    """Windows as a network takes them, float32 [B, 129, 128] or [B, samples]: decoded, and at their gains.

    Args:
        sound: of arrays or tensors.
        signal: which of the two forms.
        amplified: whether there are gains at all.
    """
    held = tf.convert_to_tensor(sound.held)
    windows = held if held.dtype == tf.float32 else signal.decode_in_graph(held)
    if not amplified:
        return windows
    low, high = tf.split(tf.convert_to_tensor(sound.gains), 2, axis=1)
    decibels = low + (high - low) * signal.places().astype(np.float32)
    return signal.amplify(windows, tf.exp(decibels * (math.log(10) / 20)))
