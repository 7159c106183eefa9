"""Songs as points, so that how far two of them are apart is what is weighted, and nothing else."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.index import Index, Query
from dmml_tf.search.weights import weight_vector
from dmml_tf.spaces import WHOLE, unit
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import as_known

# From this cosine on in every sub-space, weighed or not, two songs are taken for copies. Of 714 free songs 11 pairs
# are, among them the same piece in two files, or at two speeds.
COPY = 0.99


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """Each song as its weighted unit sub-spaces side by side, at unit length.

    With weights w_c that add up to 1, a song x is the point `[sqrt(w_c) x_c]_c`. The inner product of two points is the
    weighted mean of their cosines, and their Euclidean distance `sqrt(2 - 2 * that mean)`: 0 for the same sound, 1.41
    for songs that have nothing to do with each other, at most 2.

    Attributes:
        index: the songs.
        weights: float64 [C], at least 0, in the order of `index.names`.
    """

    index: Index
    weights: Array

    @classmethod
    def weighed(cls, index: Index, weights: Mapping[str, float] | None, keep: Collection[str] = ()) -> "Points":
        """Points by weights as a user gives them; None weighs each sub-space 1, but for those of `keep`.

        Raises:
            UserError: on an unknown name, a weight below 0, none above 0, or one weighed and kept.
        """
        keep = [as_known(name, index.names) for name in keep]
        unknown = next((name for name in keep if name not in index.names), None)
        if unknown is not None:
            raise UserError(f"no condition '{unknown}' to keep; this index has: {', '.join(index.names)}")
        by_name = {name: 1.0 for name in index.slices if name not in keep} if weights is None else weights
        vector = weight_vector(by_name, index.names)
        for name, weight in zip(index.names, vector):
            if weight < 0:
                raise UserError(f"the weight of '{name}' is {weight:g}; songs are apart by weights of at least 0")
            if weight > 0 and name in keep:
                raise UserError(
                    f"'{name}' is kept and weighed; what is kept stays with the first song: give it no weight"
                )
        return cls(index, vector)

    @property
    def shares(self) -> Array:
        """float64 [C], the weights, adding up to 1."""
        return np.asarray(self.weights / self.weights.sum())

    def of_rows(self, rows: Array) -> Array:
        """float32 [n, P] of songs of the index."""
        index = self.index
        vectors = index.vectors[rows]
        whole = None if index.lengths is None else vectors * index.lengths[rows][:, index.owner]
        return self._joined(vectors, whole)

    def of_query(self, query: Query) -> Array:
        """float32 [P] of what a query asks by."""
        whole = None if query.whole is None else query.whole[None]
        return np.asarray(self._joined(query.vector[None], whole)[0])

    def _joined(self, vectors: Array, whole: Array | None) -> Array:
        parts = []
        for name, share in zip(self.index.names, self.shares):
            if share > 0:
                part = whole if name == WHOLE and name not in self.index.slices else vectors[:, self.index.slices[name]]
                size = self.index.vectors.shape[1]
                parts.append(np.float32(np.sqrt(share)) * (np.zeros((len(vectors), size)) if part is None else part))
        return np.concatenate(parts, axis=1).astype(np.float32)


def distances(points: Array, others: Array) -> Array:
    """Euclidean distances [n, P], [m, P] -> float32 [n, m]."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * (points @ others.T)
    return np.sqrt(np.maximum(squares, 0), dtype=np.float32)


def copies(index: Index, vectors: Array, others: Array) -> Array:
    """bool [n, m]: which search vectors [n, D] sound as which others [m, D], see `COPY`."""
    alike = [vectors[:, part] @ others[:, part].T for part in index.slices.values()]
    return np.asarray(np.min(alike, axis=0) >= COPY)


def between(start: Array, end: Array, share: float) -> Array:
    """The point at a share of the great circle from one unit vector [D] to another; straight where there is none."""
    angle = np.arccos(np.clip(start @ end, -1.0, 1.0))
    sine = np.sin(angle)
    if sine < 1e-4 or not (start.any() and end.any()):
        return np.asarray(unit((1 - share) * start + share * end), np.float32)
    return np.asarray((np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / sine, np.float32)


def query_between(index: Index, start: Query, end: Query, share: float, keep: Collection[str] = ()) -> Query:
    """A query at a share of the way from one to another, in each sub-space and the whole; at the start in `keep`."""
    vector, whole = start.vector.copy(), start.whole
    for name, part in index.slices.items():
        if name not in keep:
            vector[part] = between(start.vector[part], end.vector[part], share)
    if start.whole is not None and end.whole is not None and WHOLE not in keep:
        whole = between(start.whole, end.whole, share)
    return Query(vector, whole=whole)
