"""How well and how fast an index of made vectors of any size answers."""

import time

import numpy as np

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.search.index import Index
from dmml_tf.search.nearest import EXACT_UP_TO
from dmml_tf.search.query import by_tracks
from dmml_tf.search.recall import describe, measure, prepared
from dmml_tf.spaces import length_shares, search_vectors

SUBSPACES = ("genre", "mood", "instrument", "tempo")
CONDITIONS = Conditions([SharedTag(name, width=64) for name in SUBSPACES])
CLUSTERS = 200
AT_ONCE = 64  # searches
_SPREAD = 0.6  # deviation within a cluster, where that of the clusters' centres is 1
_BLOCK = 65_536


def made_index(count: int, seed: int = 0) -> Index:
    """An index of `count` made tracks: in each sub-space one of 200 clusters, drawn for itself, and noise around it."""
    rng = np.random.default_rng([seed, count])
    centres = rng.normal(size=(len(SUBSPACES), CLUSTERS, 64)).astype(np.float32)
    vectors = np.empty((count, CONDITIONS.size), np.float32)
    lengths = np.empty((count, len(SUBSPACES)), np.float32)
    for start in range(0, count, _BLOCK):
        rows = min(_BLOCK, count - start)
        chosen = [centres[part, rng.integers(CLUSTERS, size=rows)] for part in range(len(SUBSPACES))]
        noise = rng.standard_normal((rows, CONDITIONS.size), np.float32)
        raw = np.concatenate(chosen, axis=1) + np.float32(_SPREAD) * noise
        vectors[start : start + rows] = search_vectors(raw, CONDITIONS)
        lengths[start : start + rows] = length_shares(raw, CONDITIONS)
    tracks = [{"id": f"{number:08d}"} for number in range(count)]
    return Index(vectors, CONDITIONS, tracks, lengths=lengths)


def bench_search(count: int, searches: int, exact_up_to: int = EXACT_UP_TO, seed: int = 0) -> str:
    """Builds such an index and searches it; lines that say what it is, and by kind of weighting time and recall@10.

    Raises:
        UserError: if faiss is needed and not installed.
    """
    plain = made_index(count, seed)
    start = time.perf_counter()
    index = prepared(plain, exact_up_to, seed)
    built = time.perf_counter() - start
    lines = [
        f"{count:,} vectors of {CONDITIONS.size} numbers and the whole; index prepared in {built:.1f} s",
        describe(index),
    ]
    weightings = {
        "one sub-space": {SUBSPACES[0]: 1.0},
        "all sub-spaces": dict.fromkeys(SUBSPACES, 1.0),
        "random, some with the whole": None,
    }
    for name, weights in weightings.items():
        found = measure(index, searches, seed=seed + 1, weights=weights)
        p50, p95 = np.percentile(found.seconds * 1e3, [50, 95])
        lines.append(
            f"{name}: {found.seconds.mean() * 1e3:.1f} ms in the mean, p50 {p50:.1f}, p95 {p95:.1f}; recall@10 "
            f"{found.recall.mean():.4f} (least {found.recall.min():.2f}) in {searches} searches"
        )
    lines.append(_at_once(index, seed + 1))
    return "\n".join(lines)


def _at_once(index: Index, seed: int) -> str:
    """How much a search costs among many that are answered together, beside one by itself."""
    rows = np.random.default_rng([seed, 2]).integers(len(index.tracks), size=AT_ONCE)
    queries = [by_tracks(index, [index.tracks[int(row)]["id"]]) for row in rows]
    weights = dict.fromkeys(SUBSPACES, 1.0)
    start = time.perf_counter()
    alone = [index.search(query, weights) for query in queries]
    between = time.perf_counter()
    together = index.search_each(queries, weights)
    end = time.perf_counter()
    one, each = (between - start) / AT_ONCE * 1e3, (end - between) / AT_ONCE * 1e3
    same = sum(a == b for a, b in zip(alone, together))
    return (
        f"{AT_ONCE} searches by all sub-spaces at once: {each:.1f} ms each, one by one {one:.1f} ms, {one / each:.1f} "
        f"times that; {same} with the same results"
    )
