"""Retrieval: what a search by distance brings back, judged by one condition's labels.

Source: Lee et al., ISMIR 2020, section 4 (multi-label R@K); Musgrave, Belongie, Lim, ECCV 2020, "A Metric
Learning Reality Check" (R-precision and mAP@R).
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from dmml_tf.conditions import Condition, Labels, Relevance
from tfrecords_tools.errors import UserError

KS = (1, 2, 4, 8)
_CHUNK = 128  # queries that are compared with every track at a time


@dataclasses.dataclass(frozen=True)
class Retrieval:
    """How well one space finds tracks that are similar under one condition.

    Attributes:
        recall: K -> multi-label R@K, 0..1.
        r_precision: share of a query's first R results that are relevant, R being how many relevant
            tracks there are; mean over the queries.
        map_at_r: as above, but each hit at rank i <= R counts the precision at i; mean over the queries.
        queries: tracks asked with.
        without_relevant: labelled tracks left out as queries, since no other track is similar to them.
            They stay among the results.
        unlabelled: tracks left out altogether.
    """

    recall: dict[int, float]
    r_precision: float
    map_at_r: float
    queries: int
    without_relevant: int
    unlabelled: int


def retrieval(
    space: np.ndarray, labels: Labels, condition: Condition, ks: Sequence[int] = KS, chunk: int = _CHUNK
) -> Retrieval | None:
    """Asks with every labelled track for all the others.

    Where items are parts of tracks, with parts of other tracks alone: those of the query's own are no results.

    Results are ordered by Euclidean distance; of equally distant tracks the one with the smaller row
    number comes first. Distances are rounded to float32 before they are compared, so that the order
    does not hang on the chunk's size.

    R@K is multi-label (ISMIR 2020): the share of the query's labels found in the union of the labels of
    its K nearest tracks. A `within` condition has one value a track, "found" when one of the K is similar.

    Args:
        space: float [N, D], as `dmml_tf.evaluation.views.Views.space` gives it.
        labels: columns of the N tracks; "track" says which items are of one.
        condition: whose rule says what is relevant; any kind but `same_track`.
        ks: numbers of results K, each at least 1.
        chunk: queries at a time. Memory is bounded by a few arrays of `chunk` x N numbers.

    Returns:
        `Retrieval`, or None when no track has a relevant one.

    Raises:
        UserError: on a `same_track` condition (whole tracks have no second window), or a missing column.
    """
    if condition.of_one_track:
        raise UserError(
            f"condition '{condition.name}': retrieval compares tracks, and two tracks are never the same; "
            "name another condition"
        )
    kept = np.flatnonzero(condition.labelled(labels))
    known = {name: column[kept] for name, column in labels.items()}
    relevance = condition.relevance(known)
    track = known["track"]
    most = int(np.unique(track, return_counts=True)[1].max(initial=1))
    judged = [
        _judge(order, rows, track, relevance, [min(k, len(kept) - most) for k in ks])
        for rows, order in _ranked(space[kept], track, chunk)
    ]
    figures = np.concatenate(judged) if judged else np.zeros((0, len(ks) + 2))
    asked = ~np.isnan(figures[:, 0])
    if not asked.any():
        return None
    means = figures[asked].mean(axis=0)
    return Retrieval(
        {k: float(value) for k, value in zip(ks, means)},
        float(means[-2]),
        float(means[-1]),
        int(asked.sum()),
        int((~asked).sum()),
        len(space) - len(kept),
    )


def _ranked(space: np.ndarray, track: np.ndarray, chunk: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields (rows [q], order int [q, N - 1]): each row's other rows, nearest first, those of its track behind all."""
    space = space.astype(np.float64)
    square = np.einsum("nd,nd->n", space, space)
    for begin in range(0, len(space), chunk):
        rows = np.arange(begin, min(begin + chunk, len(space)))
        distance = square[rows, None] + square[None] - 2.0 * (space[rows] @ space.T)
        # float32 swallows what the order of summation leaves, which would break ties by chance.
        rounded = (np.round(distance / max(square.max(), 1e-12), 12)).astype(np.float32)
        rounded[track[rows, None] == track] = np.inf
        rounded[np.arange(len(rows)), rows] = -np.inf  # the query itself comes first and is dropped
        yield rows, np.argsort(rounded, axis=1, kind="stable")[:, 1:]


def _judge(
    order: np.ndarray, rows: np.ndarray, track: np.ndarray, relevance: Relevance, ks: Sequence[int]
) -> np.ndarray:
    """float64 [q, len(ks) + 2]: R@K of each K, R-precision, mAP@R; NaN for a query without a relevant track."""
    relevant = relevance.relevant(rows)
    relevant[track[rows, None] == track] = False
    total = relevant.sum(axis=1)
    hits = np.take_along_axis(relevant, order, axis=1)
    ranks = np.arange(1, order.shape[1] + 1)
    hits &= ranks <= total[:, None]
    figures = np.empty((len(rows), len(ks) + 2))
    for column, k in enumerate(ks):
        figures[:, column] = relevance.recall(rows, order[:, :k])
    least_one = np.maximum(total, 1)
    figures[:, -2] = hits.sum(axis=1) / least_one
    figures[:, -1] = (hits * np.cumsum(hits, axis=1, dtype=np.int32) / ranks).sum(axis=1) / least_one
    figures[total == 0] = np.nan
    return figures
