"""Columns of tags: vocabulary ids, padded with -1."""

from typing import TYPE_CHECKING

import numpy as np

from dmml_tf.conditions.labels import Array

if TYPE_CHECKING:  # a search by id must not wait for what the record tools load
    from tfrecords_tools.tables.tracks import TagColumn


def share_a_tag(a: Array, b: Array) -> Array:
    """bool [P] from two [P, M] arrays of ids, padded with -1, or from [N, 1, M] and [1, K, M] bool [N, K].

    Costs M * M, whatever the vocabulary's size.
    """
    shared = np.zeros(np.broadcast_shapes(a.shape[:-1], b.shape[:-1]), bool)
    a = np.where(a < 0, -2, a)  # which is no id of the other, nor its padding
    # Slot by slot, since an array of all pairs of slots costs several times what is compared.
    for slot in range(a.shape[-1]):
        for other in range(b.shape[-1]):
            shared |= a[..., slot] == b[..., other]
    return shared


def tag_cosine(a: Array, b: Array) -> Array:
    """float64 [P] from two [P, M] arrays: the cosine of two sets of tags as multi-hot vectors, NaN for an empty one."""
    common = ((a[:, :, None] == b[:, None, :]) & (a >= 0)[:, :, None]).sum(axis=(1, 2))
    sizes = (a >= 0).sum(axis=1) * (b >= 0).sum(axis=1)
    return np.where(sizes > 0, common / np.sqrt(np.maximum(sizes, 1)), np.nan)


def multi_hot(column: Array, tags: int) -> Array:
    """bool [N, tags] of int [N, M]: which items carry which tag."""
    carries = np.zeros((len(column), tags), bool)
    row, slot = np.nonzero(column >= 0)
    carries[row, column[row, slot]] = True
    return carries


def tag_fault(column: "TagColumn", triplets: bool) -> str | None:
    """Why the tags of tracks give no two that share one and no two that do not; see `Condition.fault`."""
    tagged = np.flatnonzero(column.counts)
    total = len(column.counts)
    if not len(tagged):
        return f"none of its {total} tracks is tagged: fill that column of your table"
    if not triplets:
        return None
    sets = np.sort(column.padded(tagged), axis=1)
    fresh = np.diff(sets, axis=1, prepend=-1) != 0  # a tag written twice counts once
    tracks_of = np.unique(sets[fresh & (sets >= 0)], return_counts=True)[1]
    if tracks_of.max() < 2:
        return "no two tracks share a tag, so that there is no positive: use broader tags"
    if tracks_of.max() == len(tagged) or _all_meet(np.unique(sets, axis=0)):
        return (
            f"its {len(tagged)} tagged tracks are all similar to one another, so that there is no negative: use "
            "finer tags"
        )
    return None


def _all_meet(sets: Array) -> bool:
    """Whether every two rows of int [n, M], padded with -1, share a tag. The first row that says no is enough."""
    return all(np.isin(sets, row[row >= 0]).any(axis=1).all() for row in sets)
