"""What a search by one condition is to bring back, and how much of it some results hold."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from dmml_tf.conditions.labels import Array, Labels


class Relevance(Protocol):
    """Which of N tracks are relevant to which; a track may seem relevant to itself, which the caller leaves out."""

    def relevant(self, rows: Array) -> Array:
        """bool [q, N]: which tracks are relevant to each of the queries `rows`, int [q]."""
        ...

    def recall(self, rows: Array, nearest: Array) -> Array:
        """float or bool [q]: the share of a query's labels that results `nearest`, int [q, K], carry among them."""
        ...


class RelevantPairs:
    """Relevance where a track has one label: what is similar is relevant, and one similar result is all of it.

    Args:
        similar: (labels, i, j) -> bool [P], the rule.
        labels: columns of the N tracks.
    """

    def __init__(self, similar: Callable[[Labels, Array, Array], Array], labels: Labels):
        self._similar, self._labels = similar, labels

    def relevant(self, rows: Array) -> Array:
        """bool [q, N]: which tracks are similar to each query."""
        total = len(self._labels["track"])
        i, j = np.repeat(rows, total), np.tile(np.arange(total), len(rows))
        return self._similar(self._labels, i, j).reshape(len(rows), total)

    def recall(self, rows: Array, nearest: Array) -> Array:
        """bool [q]: whether one of the results is similar."""
        i, j = np.repeat(rows, nearest.shape[1]), nearest.reshape(-1)
        similar: Array = self._similar(self._labels, i, j).reshape(nearest.shape).any(axis=1)
        return similar


class RelevantTags:
    """Relevance by shared tags, from bool [N, V] of the tags that occur.

    Args:
        column: int [N, M], padded with -1.
    """

    def __init__(self, column: Array):
        tags, number = np.unique(column[column >= 0], return_inverse=True)
        self._has = np.zeros((len(column), len(tags)), bool)
        self._has[np.nonzero(column >= 0)[0], number.reshape(-1)] = True
        self._weights = self._has.astype(np.float32)

    def relevant(self, rows: Array) -> Array:
        """bool [q, N]: which tracks share a tag with each query."""
        shared: Array = self._weights[rows] @ self._weights.T > 0
        return shared

    def recall(self, rows: Array, nearest: Array) -> Array:
        """float64 [q]: the share of a query's tags in the union of the results' tags."""
        union = np.zeros((len(rows), self._has.shape[1]), bool)
        for rank in range(nearest.shape[1]):
            union |= self._has[nearest[:, rank]]
        mine = self._has[rows]
        share: Array = (union & mine).sum(axis=1) / mine.sum(axis=1)
        return share
