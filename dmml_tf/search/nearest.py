"""The rows of an index that may be the best for a query: all are compared, or candidates that codes find."""

from collections.abc import Iterator, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import Coarse
from dmml_tf.search.scores import Scorer

# Up to that many vectors each is compared with the query: 100 MB of 256 numbers, some 10 ms.
EXACT_UP_TO = 100_000
# What float32 may be off in a score of weights of at most 1; candidates this close are scored again.
_SCORE_ERROR = 1e-5


def nearest_rows(
    scorer: Scorer, coarse: Coarse | None, queries: Sequence[Array], allowed: Sequence[Array], k: int
) -> list[Array]:
    """Of each of Q queries ascending rows, int [k or somewhat more], that hold the best `k` of those allowed.

    Exactly, unless there is `coarse` and a query is allowed more than `EXACT_UP_TO` rows: then the best `k` of its
    candidates. What is read of vectors and codes is read once for all queries.

    Args:
        scorer: compares the vectors.
        coarse: finds candidates; None compares every vector.
        queries: Q times float32 [1 or 2, D], see `Scorer.halves`; no weight in them above 1.
        allowed: Q times bool [N].
        k: results wanted.
    """
    if not queries:
        return []
    halves, count = np.stack(queries), len(scorer.vectors)
    found = {} if coarse is None else dict(_among_codes(scorer, coarse, halves, allowed, k))
    # Gathering nearly all vectors would cost more than scoring a few that are not wanted.
    many = [n for n in range(len(halves)) if n not in found and 2 * np.count_nonzero(allowed[n]) > count]
    for place, scores in zip(many, scorer.of_all(halves[many])):
        rows = np.flatnonzero(allowed[place])
        found[place] = _best(rows, scores if len(rows) == count else scores[rows], k)
    for place, few in enumerate(allowed):
        if place not in found:
            rows = np.flatnonzero(few)
            found[place] = _best(rows, scorer.of_rows(rows, halves[place]), k)
    return [found[place] for place in range(len(halves))]


def _among_codes(
    scorer: Scorer, coarse: Coarse, halves: Array, allowed: Sequence[Array], k: int
) -> Iterator[tuple[int, Array]]:
    """Yields the place of a query and its best candidates, for those that ask among more than can be compared."""
    wanted: dict[int, list[int]] = {}
    for place, rows in enumerate(allowed):
        if (some := int(np.count_nonzero(rows))) > EXACT_UP_TO:
            wanted.setdefault(max(coarse.candidates, 10 * k) * len(rows) // some, []).append(place)
    for number, places in wanted.items():
        for place, rows in zip(places, coarse.rows(halves[places].reshape(len(places), -1), number)):
            rows = rows[allowed[place][rows]]
            if len(rows) >= k:
                yield place, _best(rows, scorer.of_rows(rows, halves[place]), k)


def _best(rows: Array, scores: Array, k: int) -> Array:
    """Those of `rows` whose score is among the `k` highest, and those too close to tell in float32."""
    if len(rows) <= k:
        return rows
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.asarray(rows[scores >= threshold - _SCORE_ERROR])
