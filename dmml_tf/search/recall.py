"""recall@k of an index with candidates against brute force over the same vectors, and their choice by it."""

import dataclasses
import time
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import Coarse
from dmml_tf.search.index import Index, Query
from dmml_tf.search.nearest import EXACT_UP_TO
from dmml_tf.search.query import by_tracks
from dmml_tf.search.track_table import ID, TrackTable

WANTED_RECALL, LEAST_RECALL = 0.99, 0.8  # in the mean, and of the worst search
_CANDIDATES = (1000, 2000, 4000, 8000, 16_000)
_TRIED = 40  # searches that choose the number of candidates


@dataclasses.dataclass(frozen=True)
class Measured:
    """How random searches compare with brute force.

    Attributes:
        recall: float [searches], share of the exact best k that came back.
        seconds: float [searches], of each whole search.
    """

    recall: Array
    seconds: Array


def prepared(index: Index, exact_up_to: int = EXACT_UP_TO, seed: int = 0) -> Index:
    """The index, and where it is larger than `exact_up_to` with codes and as many candidates as recall@10 needs.

    The number of candidates is the least of 1,000 to 16,000 with which random searches (`random_search`), and as many
    by one sub-space, reach a recall@10 of 0.99, none of them less than 0.8; the mean is kept with it.

    Stretches have codes of their own, where there are so many of them.

    Raises:
        UserError: if faiss is needed and not installed.
    """
    if index.stretches is not None:
        # Each stretch as a song: what is measured of songs is measured of them.
        rows = TrackTable({ID: pa.array(map("{:012d}".format, range(len(index.stretches))), pa.string())})
        alone = Index(index.stretches.vectors, index.conditions, rows, "", index.stretches.lengths)
        stretches = dataclasses.replace(index.stretches, coarse=prepared(alone, exact_up_to, seed).coarse)
        return dataclasses.replace(prepared(index.of_whole_songs(), exact_up_to, seed), stretches=stretches)
    if len(index.tracks) <= exact_up_to:
        return index
    coarse = Coarse.build(index.vectors, index.lengths, index.owner, _CANDIDATES[0], seed)
    exact = dataclasses.replace(index, coarse=None)
    searches = [random_search(index, np.random.default_rng([seed, number])) for number in range(_TRIED)]
    names = list(index.slices)
    searches += [(query, {names[number % len(names)]: 1.0}) for number, (query, _) in enumerate(searches)]
    best = [_scores(exact, query, weights, 10) for query, weights in searches]
    for candidates in _CANDIDATES:
        coarse = dataclasses.replace(coarse, candidates=candidates)
        tried = dataclasses.replace(index, coarse=coarse)
        recall = np.array([_share(_scores(tried, *search, 10), scores) for search, scores in zip(searches, best)])
        if recall.mean() >= WANTED_RECALL and recall.min() >= LEAST_RECALL:
            break
    return dataclasses.replace(index, coarse=dataclasses.replace(coarse, recall=float(recall.mean())))


def random_search(index: Index, rng: np.random.Generator) -> tuple[Query, dict[str, float]]:
    """A track's query and a weighting: weights are 0 in a third of the cases, else from -1 to 1, one is above 0."""
    weights = rng.uniform(-1, 1, len(index.names)) * (rng.uniform(size=len(index.names)) > 1 / 3)
    weights[rng.integers(len(weights))] = rng.uniform(0.1, 1)
    track = index.tracks[int(rng.integers(len(index.tracks)))]["id"]
    return by_tracks(index, [track]), dict(zip(index.names, weights.tolist()))


def measure(
    index: Index, searches: int, k: int = 10, seed: int = 1, weights: Mapping[str, float] | None = None
) -> Measured:
    """Random searches, each timed and compared with brute force; other ones than `prepared` tries.

    Args:
        weights: of every search; None draws them too.
    """
    exact, recall, seconds = dataclasses.replace(index, coarse=None), [], []
    asked = [random_search(index, np.random.default_rng([seed, 1, number])) for number in range(searches)]
    asked = [(query, drawn if weights is None else dict(weights)) for query, drawn in asked]
    index.search(*asked[0], k)  # the first also makes tables and wakes threads
    for query, weighed in asked:
        start = time.perf_counter()
        hits = index.search(query, weighed, k)
        seconds.append(time.perf_counter() - start)
        recall.append(_share([hit.score for hit in hits], _scores(exact, query, weighed, k)))
    return Measured(np.array(recall), np.array(seconds))


def describe(index: Index) -> str:
    """One line: how the index searches, its expected recall, its bytes."""
    stretches = index.stretches
    if stretches is None:
        return _describe(index.vectors, index.lengths, index.coarse)
    share = len(stretches) / len(index.tracks)
    return (
        f"{len(stretches):,} stretches, {share:.2f} a song: "
        f"{_describe(stretches.vectors, stretches.lengths, stretches.coarse)}"
    )


def _describe(vectors: Array, lengths: Array | None, coarse: Coarse | None) -> str:
    size = vectors.nbytes + (0 if lengths is None else lengths.nbytes)
    if coarse is None:
        return f"exact search (recall 1), {size:,} bytes of vectors"
    return (
        f"product-quantised codes, {coarse.candidates:,} candidates compared exactly (recall@10 "
        f"{coarse.recall:.3f}, measured on {2 * _TRIED} random searches), {coarse.bytes:,} bytes of codes "
        f"and {size:,} of vectors"
    )


def _scores(index: Index, query: Query, weights: dict[str, float], k: int) -> list[float]:
    return [hit.score for hit in index.search(query, weights, k)]


def _share(scores: list[float], best: list[float]) -> float:
    """Share of the `best` scores reached; by score, so that which of two equal tracks came does not count."""
    return sum(score >= best[-1] - 1e-7 for score in scores) / len(best)
