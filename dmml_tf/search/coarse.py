"""Candidates for a search among more vectors than can be compared one by one in time.

Product quantisation by faiss (Jégou et al., PAMI 2011): 4 bits for every two numbers, or for each where a sub-space is
alone, and all codes are scanned for each query. The index families that visit only a part of the vectors (HNSW, IVF)
walk by the nearness of whole vectors; a search that weighs one sub-space has its neighbours all over such a walk, and a
negative weight has them at the far end. A scan is linear in the query, so that it serves every weighting alike. What it
costs is the bytes that it reads, so each sub-space has codes of its own beside those of everything, and so have all of
them without the whole: a search scans the narrowest codes that hold all that it weighs. The candidates are then
compared exactly by `Index`.
"""

import contextlib
import dataclasses
import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import require_extra

CODES_FILE = "codes.faiss"  # beside the vectors
BITS = 4
# Rows whose codes are scanned by one thread, a multiple of `_BLOCK`: two cores share a million.
_SHARD = 1 << 19
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


Span = tuple[int, int]  # numbers of a wide vector, the first and the one behind the last


@dataclasses.dataclass(frozen=True, eq=False)
class Coarse:
    """Codes of N vectors.

    Attributes:
        codes: faiss index of inner products, of all numbers.
        candidates: rows that a search for 10 results compares exactly.
        recall: recall@10 against brute force, as measured with that many candidates.
        narrow: span -> faiss index of the same vectors' numbers in it alone.
    """

    codes: Any
    candidates: int
    recall: float = float("nan")
    narrow: Mapping[Span, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def build(cls, vectors: Array, lengths: Array | None, owner: Array, candidates: int, seed: int = 0) -> "Coarse":
        """Trains on a seeded sample and encodes everything, block by block; arguments as in `wide_vectors`."""
        faiss = require_faiss()
        count, size = len(vectors), vectors.shape[1] * (1 if lengths is None else 2)
        sample = np.sort(np.random.default_rng([seed, count]).permutation(count)[:_TRAINED_ON])

        def wide(rows: Array | slice) -> Array:
            return wide_vectors(vectors[rows], None if lengths is None else lengths[rows], owner)

        empty = {span: _empty_codes(faiss, span, len(owner)) for span in _spans(owner, size)}
        with _one_thread(faiss):
            for span, codes in empty.items():
                codes.train(_part(wide(sample), span))
        shards = {span: [faiss.clone_index(codes) for _ in range(0, count, _SHARD)] for span, codes in empty.items()}
        for start in range(0, count, _BLOCK):
            block = wide(slice(start, start + _BLOCK))
            for span, codes in shards.items():
                codes[start // _SHARD].add(_part(block, span))
        everything = {span: _together(faiss, codes) for span, codes in shards.items()}
        return cls(everything.pop((0, size)), candidates, narrow=everything)

    @property
    def bytes(self) -> int:
        """Size of all codes."""
        shards = [shard for codes in [self.codes, *self.narrow.values()] for shard in _shards(codes)]
        return sum(int(shard.ntotal * shard.code_size) for shard in shards)

    def rows(self, queries: Array, count: int) -> list[Array]:
        """Ascending rows, int64 [at most `count`], of about the highest inner products with each query.

        Args:
            queries: float32 [Q, 2 D] or [Q, D]. Those that ask in the same span are answered by one scan.
            count: of candidates.
        """
        spans = [self._span(query) for query in queries]
        found: dict[int, Array] = {}
        for span in dict.fromkeys(spans):
            codes, places = self.narrow.get(span, self.codes), [n for n, other in enumerate(spans) if other == span]
            best = codes.search(_part(queries[places], span), min(count, codes.ntotal))[1]
            found.update((place, np.sort(rows[rows >= 0])) for place, rows in zip(places, best))
        return [found[place] for place in range(len(queries))]

    def _span(self, query: Array) -> Span:
        """The narrowest span with codes of its own that holds all that is asked."""
        asked = np.flatnonzero(query)
        first, last = (int(asked[0]), int(asked[-1])) if len(asked) else (0, len(query) - 1)
        holding = [span for span in self.narrow if span[0] <= first and last < span[1]]
        return min(holding, key=lambda span: span[1] - span[0], default=(0, len(query)))

    def fits(self, count: int, size: int) -> bool:
        """Whether these are codes of `count` vectors that are `size` numbers wide."""
        spans = {(0, size): self.codes, **self.narrow}
        return all(codes.ntotal == count and codes.d == _even(end - start) for (start, end), codes in spans.items())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes files in faiss's format: all codes, beside them those of each narrow span, and further shards."""
        faiss = require_faiss()
        for span, codes in [(None, self.codes), *self.narrow.items()]:
            for number, shard in enumerate(_shards(codes)):
                faiss.write_index(shard, os.fspath(_file(path, span, number)))

    def header(self) -> dict[str, Any]:
        """What `load` needs to be told besides the file."""
        spans = [list(span) for span in self.narrow]
        return {
            "candidates": self.candidates,
            "recall": self.recall,
            "spans": spans,
            "shards": len(_shards(self.codes)),
        }

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        candidates: int,
        recall: float,
        spans: Sequence[Sequence[int]] = (),
        shards: int = 1,
    ) -> "Coarse":
        """Reads what `save` wrote; `ValueError` if it is no such file. Earlier ones have no `spans` or one shard."""
        narrow = {(start, end): _read(path, (start, end), shards) for start, end in spans}
        return cls(_read(path, None, shards), candidates, recall, narrow)


def require_faiss() -> Any:
    """The faiss module; `UserError` that names the package where it is not installed."""
    require_extra("search", "an index of more than 100,000 tracks", "faiss")
    return importlib.import_module("faiss")


def _spans(owner: Array, size: int) -> list[Span]:
    """All `size` numbers; then all sub-spaces without the whole, and each of them, where that is less."""
    bounds = np.flatnonzero(np.diff(owner, prepend=-1, append=-1))
    parts = [(0, len(owner)), *zip(bounds[:-1].tolist(), bounds[1:].tolist())]
    return list(dict.fromkeys([(0, size), *parts]))


def _empty_codes(faiss: Any, span: Span, all_parts: int) -> Any:
    size = _even(span[1] - span[0])
    # Thousands of songs may be about as near in one sub-space; in several at once few are.
    fine = span[1] - span[0] < all_parts
    return faiss.IndexPQFastScan(size, size if fine else size // 2, BITS, faiss.METRIC_INNER_PRODUCT)


def _part(wide: Array, span: Span) -> Array:
    """float32 [N, even]: the numbers of a span, which faiss codes by two."""
    part = wide[:, span[0] : span[1]]
    return np.ascontiguousarray(np.pad(part, ((0, 0), (0, part.shape[1] % 2))), np.float32)


def _together(faiss: Any, shards: Sequence[Any]) -> Any:
    """Codes of consecutive rows as one index, each scanned by a thread of its own."""
    if len(shards) == 1:
        return shards[0]
    codes = faiss.IndexShards(shards[0].d, True, True)
    for shard in shards:
        codes.add_shard(shard)
    return codes


def _shards(codes: Any) -> list[Any]:
    if not hasattr(codes, "add_shard"):
        return [codes]
    return [require_faiss().downcast_index(codes.at(number)) for number in range(codes.count())]


def _file(path: str | os.PathLike[str], span: Span | None, shard: int) -> Path:
    name = "".join([Path(path).stem, f"-{span[0]}-{span[1]}" if span else "", f".{shard}" if shard else ""])
    return Path(path).with_name(f"{name}{Path(path).suffix}")


def _read(path: str | os.PathLike[str], span: Span | None, shards: int) -> Any:
    faiss, codes = require_faiss(), []
    for shard in range(shards):
        file = _file(path, span, shard)
        try:
            codes.append(faiss.read_index(os.fspath(file)))
        except RuntimeError as error:
            raise ValueError(f"{file.name} is damaged") from error
    return _together(faiss, codes)


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
