"""Scores of an index's vectors: in float32 for as many as there are, cosines in float64 for the few that are shown.

With each sub-space at unit length, `sum_c w_c cos_c(x, y) = <[w_c x_c], [y_c]>`: the query's slices are scaled, the
stored vectors are left alone. The whole embedding at unit length is the same sub-spaces, each as long as its share l_c
of the whole: `cos(x, y) = <[l_c(x) x_c], [l_c(y) y_c]>`.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from dmml_tf.conditions.labels import Array

_NUMBERS = 1 << 24  # scores in memory at a time, 64 MB


@dataclasses.dataclass(frozen=True, eq=False)
class Scorer:
    """What is compared with a query: the vectors and lengths of an `Index`, and whose its numbers are.

    A query's `halves` below are float32 [1 or 2, D]: what the sub-spaces, and what the whole, are multiplied with.

    Attributes:
        vectors: float32 [N, D].
        lengths: float32 [N, C]; None where the whole cannot be searched.
        slices: name -> its slice of a vector.
        owner: int [D], which slice a number belongs to.
    """

    vectors: Array
    lengths: Array | None
    slices: Mapping[str, slice]
    owner: Array

    def halves(self, vector: Array, whole: Array | None, weights: Array) -> Array:
        """A query's vectors [D], each of its slices times its weight; float64 weights [C], of the whole the last."""
        parts: list[Array] = [vector * weights[self.owner].astype(np.float32)]
        if self.lengths is not None:
            parts.append((np.zeros_like(vector) if whole is None else whole) * np.float32(weights[-1]))
        return np.stack(parts)

    def of_all(self, queries: Array) -> Iterator[Array]:
        """Yields float32 [N], the scores of every vector, for each of the halves [Q, 1 or 2, D]."""
        step = max(1, _NUMBERS // len(self.vectors))
        for start in range(0, len(queries), step):
            yield from self._of_all(queries[start : start + step])

    def of_rows(self, rows: Array, halves: Array) -> Array:
        """float32 [rows], the scores of some vectors."""
        # Not by BLAS: waking its threads for a thousand rows takes longer than the sums, far longer on a busy machine.
        part = self._asked(halves[None])
        scores: Array = np.einsum("nd,d->n", self.vectors[rows, part], halves[0, part])
        if self.lengths is not None and halves[1].any():
            for number, part in enumerate(self.slices.values()):
                products = np.einsum("nd,d->n", self.vectors[rows, part], halves[1, part])
                scores += self.lengths[rows, number] * products
        return scores

    def cosines(self, rows: Array, vector: Array, whole: Array | None) -> Array:
        """float64 [rows, C], and the whole in a last column where it can be searched."""
        vectors = self.vectors[rows].astype(np.float64)
        columns = [(vectors[:, part] * vector[part]).sum(axis=1) for part in self.slices.values()]
        if self.lengths is not None:
            columns.append((vectors * self.lengths[rows][:, self.owner] * (0 if whole is None else whole)).sum(axis=1))
        return np.stack(columns, axis=1)

    def _of_all(self, queries: Array) -> Array:
        """float32 [Q, N]."""
        part = self._asked(queries)
        scores: Array = self.vectors[:, part] @ queries[:, 0, part].T
        if self.lengths is not None and queries[:, 1].any():
            for number, part in enumerate(self.slices.values()):
                scores += self.lengths[:, number, None] * (self.vectors[:, part] @ queries[:, 1, part].T)
        return np.asarray(scores.T)

    def _asked(self, queries: Array) -> slice:
        """What the sub-spaces are asked for: of one in four a quarter of the memory is read."""
        asked = np.flatnonzero(queries[:, 0].any(axis=0))
        return slice(int(asked[0]), int(asked[-1]) + 1) if len(asked) else slice(0, 1)
