"""Batches that a teacher has a say in: what it heard in each window, and triplets by how close that is.

A teacher's opinion differs from window to window and is a matter of degree, where a tag is of the whole song and there
or not. Songs that it did not hear, such as rendered ones, are compared by their labels, among themselves: a pair of
which it heard one alone is not compared, lest "heard by the teacher" be what a sub-space learns. A window that is
mixed of two songs, of which it heard one, counts as not heard.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Condition, Conditions, Labels
from dmml_tf.conditions.labels import Array, changes_within
from dmml_tf.data.forms import Form, triplet_form
from dmml_tf.data.signal import Signal
from dmml_tf.data.told import mean_of_mixed, told_in
from dmml_tf.data.triplets import draw_triplets
from dmml_tf.data.windows import Windows
from tfrecords_tools.features import LogMel
from tfrecords_tools.sources.teacher import Teacher

# An anchor's positive is closer to it than its negative by at least so much, in cosine of what the teacher heard.
LEAST_GAP = 0.1
# Two windows of one song are of one tempo where their speeds differ by less than the first, and of two where by more
# than the second; natural logarithms.
SAME_SPEED, OTHER_SPEED = 0.02, 0.08
# Of the triplets of values, at most so many are by speed: they are the hard ones, and in trials in which they were most
# no tempo was learned at all.
MOST_BY_SPEED = 0.25
_TRIES = 8  # candidates drawn for each triplet that is wanted


def taught_form(
    conditions: Conditions,
    count: int,
    teacher: Teacher,
    signal: Signal,
    weights: Mapping[str, float],
    told: Mapping[str, int] | None = None,
) -> Form:
    """A batch of triplets, and `heard` float32 [B, D] beside its windows: what is copied, side by side.

    Of each space in `weights`, in the teacher's order, it has the D numbers of `Teacher.heard`, NaN where nothing was
    heard; then of each condition in `told` what labels tell, NaN where there is none or the teacher heard the song
    under that condition. In a window that is mixed of two, the teacher is taken to hear the mean of both, by their
    shares.

    Args:
        conditions: whose triplets are drawn: by the teacher's space of the same name where there is one, else by label.
        count: triplets a batch.
        teacher: what it heard.
        signal: what a window is made of.
        weights: the spaces that are asked for; those of the teacher's that are no condition's are of the whole.
        told: condition -> numbers that its labels are told by, see `told_widths`.
    """
    told = told or {}
    plain = triplet_form(conditions, count, signal)
    loss_weights = np.array([condition.weight for condition in conditions], np.float32)
    spaces = [name for name in teacher.widths if name in weights]

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        heard = {name: heard_in(windows, teacher, name, signal.features) for name in spaces}
        labels = {name: told_in(windows, conditions, name, width) for name, width in told.items()}
        for name in labels.keys() & heard.keys():
            labels[name][~np.isnan(heard[name]).any(axis=1)] = np.nan
        triplets, condition = _draw(conditions, windows.labels, heard, count, rng, signal.features)
        inputs = {
            "windows": windows.sound,
            "triplets": triplets,
            "condition": condition,
            "heard": np.concatenate([*(heard[name] for name in spaces), *labels.values()], axis=1),
        }
        return (inputs, condition, loss_weights[condition]) if len(triplets) else None

    inputs, *others = plain.tensors
    width = sum(teacher.widths[name] for name in spaces) + sum(told.values())
    tensors = ({**inputs, "heard": tf.TensorSpec((None, width), tf.float32)}, *others)
    return Form(signal, tensors, make, plain.unit, plain.needs)


def heard_in(windows: Windows, teacher: Teacher, name: str, features: LogMel) -> Array:
    """float32 [B, D]: what the teacher heard in each window, NaN in songs that it did not hear.

    Args:
        windows: with `start`, and with `speed`, `mixed_with` and `mixed_share` where they are varied.
        teacher, name: which of its spaces.
        features: the signal chain, whose frames `start` counts.
    """
    labels = windows.labels
    middles = labels["start"] + labels.get("speed", np.ones(1)) * features.window_frames / 2
    return mean_of_mixed(teacher.heard(name, windows.track_ids, middles / features.frames_per_second), windows)


def draw_taught(heard: Array, count: int, rng: np.random.Generator) -> Array:
    """Triplets by the teacher's own distances, int32 [n <= count, 3].

    Close is the cosine of the exponentials: the numbers are logarithms of how far something stands out, and what
    stands out in neither of two songs does not make them alike.

    Args:
        heard: float32 [B, D], NaN in rows that are left out.
        count: triplets wanted; fewer where candidates, drawn freely, seldom have `LEAST_GAP`.
        rng: source of every choice.
    """
    rows = np.flatnonzero(~np.isnan(heard).any(axis=1))
    if len(rows) < 3 or not count:
        return np.zeros((0, 3), np.int32)
    shares = np.exp(heard[rows])
    unit = shares / np.linalg.norm(shares, axis=1, keepdims=True)
    closeness = unit @ unit.T
    anchor, positive, negative = rng.integers(len(rows), size=(3, _TRIES * count))
    valid = closeness[anchor, positive] - closeness[anchor, negative] > LEAST_GAP
    valid &= anchor != positive
    chosen = np.stack([anchor, positive, negative], axis=1)[valid][:count]
    return np.asarray(rows[chosen], np.int32)


def draw_by_speed(labels: Labels, count: int, rng: np.random.Generator) -> Array:
    """Triplets of one song's windows at two speeds, int32 [n <= count, 3]: whatever its tempo is, their ratio is known.

    Args:
        labels: with `track` and `speed`; without speeds there is no triplet. Windows with another
            song in them are left out.
        count: triplets wanted.
        rng: source of every choice.
    """
    if "speed" not in labels or not count:
        return np.zeros((0, 3), np.int32)
    track, speed = labels["track"], np.log(labels["speed"])
    mixed = labels.get("mixed_share", np.zeros(len(track))) > 0
    apart = np.abs(speed[:, None] - speed[None])
    of_one = (track[:, None] == track[None]) & ~(mixed[:, None] | mixed[None])
    similar = of_one & (apart < SAME_SPEED) & ~np.eye(len(track), dtype=bool)
    dissimilar = of_one & (apart > OTHER_SPEED)
    able = np.argwhere(similar[:, :, None] & dissimilar[:, None, :])
    return np.asarray(able[rng.permutation(len(able))[:count]], np.int32)


def _draw(
    conditions: Conditions,
    labels: Labels,
    heard: Mapping[str, Array],
    count: int,
    rng: np.random.Generator,
    features: LogMel,
) -> tuple[Array, Array]:
    """As `dmml_tf.data.triplets.draw_batch`, by the teacher and by speed where that is possible."""
    shares = np.cumsum([condition.share for condition in conditions])
    counts = np.diff(np.round(count * shares / shares[-1]).astype(int), prepend=0)
    parts = [_draw_one(c, labels, heard, int(n), rng, features) for c, n in zip(conditions, counts)]
    numbers = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return np.concatenate(parts), numbers


def _draw_one(
    condition: Condition,
    labels: Labels,
    heard: Mapping[str, Array],
    count: int,
    rng: np.random.Generator,
    features: LogMel,
) -> Array:
    if condition.name in heard:
        known = ~np.isnan(heard[condition.name]).any(axis=1)
        taught = round(count * known.mean())
        rows = np.flatnonzero(~known)
        others = draw_triplets(condition, {k: v[rows] for k, v in labels.items()}, count - taught, rng, features)
        return np.concatenate([draw_taught(heard[condition.name], taught, rng), rows[others].astype(np.int32)])
    if condition.reads_values:
        # A song whose tempo changes may have two of them at one speed.
        unlabelled = ~condition.labelled(labels) & ~changes_within(labels, condition.column)
        stretched = {n: labels[n][unlabelled] for n in ("track", "speed", "mixed_share") if n in labels}
        share = min(unlabelled.mean(), MOST_BY_SPEED)
        own = np.flatnonzero(unlabelled)[draw_by_speed(stretched, round(count * share), rng)]
        by_label = draw_triplets(condition, labels, count - len(own), rng, features)
        return np.concatenate([own.astype(np.int32), by_label])
    return draw_triplets(condition, labels, count, rng, features)
