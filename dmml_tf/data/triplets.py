"""Triplets within a batch: for each condition, anchors, positives and negatives among its windows.

Pure NumPy on label arrays; costs B x B a condition and does not depend on the vocabulary's size.
Source of the rules: Lee et al., ICASSP 2020, section 3.1, by way of `dmml_tf.conditions`.
"""

import numpy as np

from dmml_tf.conditions import Condition, Conditions, Labels
from dmml_tf.conditions.labels import Array
from tfrecords_tools.features import PAPER_CHAIN, LogMel


def draw_triplets(
    condition: Condition, labels: Labels, count: int, rng: np.random.Generator, features: LogMel = PAPER_CHAIN
) -> Array:
    """At most one condition's triplets from one batch.

    Args:
        condition: gives the rule.
        labels: columns of the batch's B windows (with `track` and `start`).
        count: triplets wanted.
        rng: source of every choice.
        features: the signal chain, whose frames `start` counts.

    Returns:
        int32 [count, 3] rows of the batch, or [0, 3] where no window has both a positive and a
        negative. Every track that can serve as an anchor does so before one serves twice, and every window;
        every judgement likewise, of which all three windows are in the batch.
    """
    if condition.triplets_given:
        given = condition.given(labels) if count else np.zeros((0, 3), np.int32)
        return np.resize(given[rng.permutation(len(given))], (count if len(given) else 0, 3))
    every = np.arange(len(labels["track"]))
    i, j = every[:, None], every[None]
    similar, dissimilar = condition.similar(labels, i, j, features.half_window), condition.dissimilar(labels, i, j)
    able = np.flatnonzero(similar.any(axis=1) & dissimilar.any(axis=1))
    if not len(able) or not count:
        return np.zeros((0, 3), np.int32)
    order = rng.permutation(able)
    # Where there are places for all, all serve whatever the order.
    anchors = np.resize(order if count >= len(able) else _each_track_first(order, labels["track"]), count)
    chosen = [anchors, _pick(similar[anchors], rng), _pick(dissimilar[anchors], rng)]
    return np.asarray(np.stack(chosen, axis=1), np.int32)


def draw_batch(
    conditions: Conditions, labels: Labels, count: int, rng: np.random.Generator, features: LogMel = PAPER_CHAIN
) -> tuple[Array, Array]:
    """All conditions' triplets from one batch.

    Args:
        count: triplets wanted over all conditions, divided by their shares.
        features: as of `draw_triplets`.

    Returns:
        int32 [T, 3] and the condition of each, int32 [T]. T is below `count` where a condition has no
        valid triplet in this batch: none is ever made up.
    """
    shares = np.cumsum([condition.share for condition in conditions])
    # Rounding the running sum, not each share, makes the counts add up to what was asked.
    counts = np.diff(np.round(count * shares / shares[-1]).astype(int), prepend=0)
    parts = [draw_triplets(c, labels, int(n), rng, features) for c, n in zip(conditions, counts)]
    numbers = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return np.concatenate(parts), numbers


def _each_track_first(windows: Array, track: Array) -> Array:
    """The same windows: one of each track in the order given, then a second one of each, and so on."""
    by_track = np.argsort(track[windows], kind="stable")
    ordered = track[windows][by_track]
    earlier = np.empty(len(windows), int)  # windows of the same track that come before
    earlier[by_track] = np.arange(len(windows)) - np.searchsorted(ordered, ordered)
    return windows[np.argsort(earlier, kind="stable")]


def _pick(allowed: Array, rng: np.random.Generator) -> Array:
    """One True column of each row of bool [N, B], uniformly."""
    drawn = rng.random(allowed.shape)
    np.copyto(drawn, -1.0, where=~allowed)  # in place: memory fresh from the system would cost more than the draw
    return np.asarray(drawn.argmax(axis=1))
