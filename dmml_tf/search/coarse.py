"""Candidates for a search among more vectors than can be compared one by one in time.

Product quantisation by faiss (Jégou et al., PAMI 2011): 4 bits for every two numbers, and all codes are
scanned for each query. The index families that visit only a part of the vectors (HNSW, IVF) walk by the
nearness of whole vectors; a search that weighs one sub-space has its neighbours all over such a walk, and
a negative weight has them at the far end. A scan is linear in the query, so that it serves every weighting
alike. The candidates are then compared exactly by `Index`.
"""

import contextlib
import dataclasses
import importlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import require_extra

BITS = 4
# k-means finds 16 centroids for two numbers: more vectors than these do not move them.
_TRAINED_ON = 8192
_BLOCK = 16_384


def wide_vectors(vectors: Array, lengths: Array | None, owner: Array) -> Array:
    """Unit sub-spaces [N, D], then the whole at unit length: float32 [N, 2 D], or [N, D] without `lengths`.

    Args:
        vectors: float32 [N, D].
        lengths: float32 [N, C], each sub-space's share of the whole's length.
        owner: int [D], which sub-space a number belongs to.
    """
    return vectors if lengths is None else np.concatenate([vectors, vectors * lengths[:, owner]], axis=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Coarse:
    """Codes of N vectors.

    Attributes:
        codes: faiss index of inner products.
        candidates: rows that a search for 10 results compares exactly.
        recall: recall@10 against brute force, as measured with that many candidates.
    """

    codes: Any
    candidates: int
    recall: float = float("nan")

    @classmethod
    def build(cls, vectors: Array, lengths: Array | None, owner: Array, candidates: int, seed: int = 0) -> "Coarse":
        """Trains on a seeded sample and encodes everything, block by block; arguments as in `wide_vectors`."""
        faiss = require_faiss()
        count, size = len(vectors), _even(vectors.shape[1] * (1 if lengths is None else 2))
        sample = np.sort(np.random.default_rng([seed, count]).permutation(count)[:_TRAINED_ON])

        def block(rows: Array | slice) -> Array:
            wide = wide_vectors(vectors[rows], None if lengths is None else lengths[rows], owner)
            return np.ascontiguousarray(np.pad(wide, ((0, 0), (0, size - wide.shape[1]))), np.float32)

        codes = faiss.IndexPQFastScan(size, size // 2, BITS, faiss.METRIC_INNER_PRODUCT)
        with _one_thread(faiss):
            codes.train(block(sample))
        for start in range(0, count, _BLOCK):
            codes.add(block(slice(start, start + _BLOCK)))
        return cls(codes, candidates)

    @property
    def bytes(self) -> int:
        """Size of the codes."""
        return int(self.codes.ntotal * self.codes.d // 4)  # 4 bits for two numbers

    def rows(self, query: Array, count: int) -> Array:
        """Ascending rows, int64 [at most `count`], of about the highest inner products with `query` [2 D] or [D]."""
        padded = np.zeros((1, self.codes.d), np.float32)
        padded[0, : len(query)] = query
        rows = self.codes.search(padded, min(count, self.codes.ntotal))[1][0]
        return np.sort(rows[rows >= 0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the codes in faiss's format."""
        require_faiss().write_index(self.codes, os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], candidates: int, recall: float) -> "Coarse":
        """Reads what `save` wrote; `ValueError` if it is no such file."""
        faiss = require_faiss()
        try:
            codes = faiss.read_index(os.fspath(path))
        except RuntimeError as error:
            raise ValueError(f"{os.path.basename(path)} is damaged") from error
        return cls(codes, candidates, recall)


def require_faiss() -> Any:
    """The faiss module; `UserError` that names the package where it is not installed."""
    require_extra("search", "an index of more than 100,000 tracks", "faiss")
    return importlib.import_module("faiss")


def _even(size: int) -> int:
    return size + size % 2


@contextlib.contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    # Hundreds of tiny k-means: on a busy machine threads wait for each other far longer than they work.
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
