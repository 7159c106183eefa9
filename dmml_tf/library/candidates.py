"""Pairs of songs that may be one recording: near in every sub-space."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import require_faiss
from dmml_tf.search.index import Index
from dmml_tf.search.nearest import EXACT_UP_TO

_BLOCK_NUMBERS = 1 << 24  # sums of cosines in memory at a time, 64 MB
_BLOCK = 4096  # rows that faiss is given at a time
_TRAINED_ON = 64  # vectors a cell
_CELLS_ASKED = 32
_SLACK = 1e-4  # what float32 may be off in a sum of cosines


def candidate_pairs(index: Index, cosine: float, neighbours: int, exact_up_to: int = EXACT_UP_TO) -> Array:
    """Pairs of rows whose cosine is high in each sub-space, the nearest first.

    Up to `exact_up_to` songs every pair is compared, block by block; above, faiss compares a song with those of the
    cells around it, which serves here, where all sub-spaces count the same.

    Args:
        index: of the songs.
        cosine: the least in each sub-space.
        neighbours: of one song at most, those of the highest mean cosine.
        exact_up_to: songs.

    Returns:
        int [P, 2], each pair once, the lower row first.

    Raises:
        UserError: if faiss is needed and not installed.
    """
    least = cosine * len(index.slices) - _SLACK
    found = _exact if len(index.vectors) <= exact_up_to else _in_cells
    pairs, sums = [np.zeros((0, 2), np.intp)], [np.zeros(0, np.float32)]
    for rows, others in found(index.vectors, least, neighbours):
        cosines = _cosines(index, rows, others)
        near = cosines.min(axis=1) >= cosine
        pairs.append(np.sort(np.stack([rows, others], axis=1)[near], axis=1))
        sums.append(cosines[near].sum(axis=1))
    # Both songs of a pair may have found the other.
    once, places = np.unique(np.concatenate(pairs), axis=0, return_index=True)
    return np.asarray(once[np.argsort(-np.concatenate(sums)[places], kind="stable")])


def _cosines(index: Index, rows: Array, others: Array) -> Array:
    """float32 [P, C]: in each sub-space, of pairs of rows."""
    products = index.vectors[rows] * index.vectors[others]
    return np.stack([products[:, part].sum(axis=1) for part in index.slices.values()], axis=1)


def _exact(vectors: Array, least: float, neighbours: int) -> Iterator[tuple[Array, Array]]:
    """Yields rows, and others whose inner product with them is at least `least`, the best `neighbours` of each."""
    count = len(vectors)
    step = max(1, _BLOCK_NUMBERS // count)
    for start in range(0, count, step):
        sums = vectors[start : start + step] @ vectors.T
        own = np.arange(len(sums))
        sums[own, start + own] = -np.inf
        near = sums >= least
        for row in np.flatnonzero(near.sum(axis=1) > neighbours):
            best = np.argpartition(-sums[row], neighbours)[:neighbours]
            near[row] = False
            near[row, best] = True
        rows, others = np.nonzero(near)
        yield rows + start, others


def _in_cells(vectors: Array, least: float, neighbours: int) -> Iterator[tuple[Array, Array]]:
    """As `_exact`, of the others in the cells around a row."""
    cells = _cells(vectors)
    for start in range(0, len(vectors), _BLOCK):
        sums, others = cells.search(np.ascontiguousarray(vectors[start : start + _BLOCK]), neighbours + 1)
        rows = np.broadcast_to(start + np.arange(len(others))[:, None], others.shape)
        # The eight bits of a number are not exact; what they let through is compared again.
        near = (others >= 0) & (others != rows) & (sums >= least - 0.05)
        yield rows[near], others[near]


def _cells(vectors: Array) -> Any:
    """A faiss index of all vectors, a byte a number, in about 2 sqrt(N) cells."""
    faiss = require_faiss()
    count, size = vectors.shape
    number = max(1, int(2 * count**0.5))
    centres = faiss.IndexFlatIP(size)
    cells = faiss.IndexIVFScalarQuantizer(
        centres, size, number, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    cells.cp.min_points_per_centroid, cells.nprobe = 1, min(number, _CELLS_ASKED)
    chosen = np.sort(np.random.default_rng(count).permutation(count)[: _TRAINED_ON * number])
    cells.train(np.ascontiguousarray(vectors[chosen]))
    for start in range(0, count, _BLOCK):
        cells.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
    return cells
