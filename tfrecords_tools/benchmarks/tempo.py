"""Estimated against true tempo: Accuracy 1 and Accuracy 2, and the run that measures them.

Source: Gouyon et al., *An experimental comparison of audio tempo induction algorithms*, IEEE Transactions
on Audio, Speech and Language Processing 14(5), 2006. `mir_eval.tempo` asks something else: it scores a
pair of tempi and the weight between them, within 8 %, as MIREX does.
"""

import collections
import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.stats import binomtest
from tabulate import tabulate

from tfrecords_tools.audio.decode import AudioError
from tfrecords_tools.audio.tempo import MADMOM
from tfrecords_tools.audio.tempo_cache import cached_tempo
from tfrecords_tools.build import pool
from tfrecords_tools.program import progress
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.stores.store import StoreError

TOLERANCE = 0.04
# Half, double, third and triple: a listener may tap any of these levels of the metre.
OCTAVE_FACTORS = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)
UNLABELLED = "(unlabelled)"
# A binary fraction may put 104 / 100 just beyond 4 %.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Track:
    """One track to estimate: its id, audio file, true tempo (beats a minute), and its tags of one dimension."""

    track_id: str
    path: str
    tempo: float
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """What a group of tracks scores.

    Attributes:
        tracks: how many.
        without: how many of these have no estimate; they count as wrong.
        accuracy1: share within 4 % of the true tempo.
        accuracy2: share within 4 % of 1/3, 1/2, 1, 2 or 3 times the true tempo.
        interval1, interval2: 95 % intervals of the two shares (Wilson).
    """

    tracks: int
    without: int
    accuracy1: float
    accuracy2: float
    interval1: tuple[float, float]
    interval2: tuple[float, float]


def matches(true: np.ndarray, estimated: np.ndarray, factors: Sequence[float] = (1.0,)) -> np.ndarray:
    """bool [N]: whether the estimate is within 4 % of one of `factors` times the true tempo.

    Args:
        true: float [N], beats a minute.
        estimated: float [N], NaN where there is none, which never matches.
        factors: `(1.0,)` for Accuracy 1, `OCTAVE_FACTORS` for Accuracy 2.
    """
    wanted = np.multiply.outer(np.asarray(factors, float), np.asarray(true, float))
    return (np.abs(np.asarray(estimated, float) - wanted) <= (TOLERANCE + _ROUNDING) * wanted).any(axis=0)


def score(true: np.ndarray, estimated: np.ndarray) -> Score:
    """Both accuracies of N tracks.

    Raises:
        ValueError: if there is no track, or the arrays differ in length.
    """
    true, estimated = np.asarray(true, float), np.asarray(estimated, float)
    if not len(true) or len(true) != len(estimated):
        raise ValueError(f"{len(true)} true and {len(estimated)} estimated tempi")
    first, second = (matches(true, estimated, factors) for factors in ((1.0,), OCTAVE_FACTORS))
    return Score(
        len(true),
        int(np.isnan(estimated).sum()),
        float(first.mean()),
        float(second.mean()),
        _interval(first),
        _interval(second),
    )


def scores_by_tag(tracks: Sequence[Track], estimated: np.ndarray) -> dict[str, Score]:
    """Tag -> score of its tracks, by name; a track with several tags counts in each."""
    rows: dict[str, list[int]] = collections.defaultdict(list)
    for row, track in enumerate(tracks):
        for tag in track.tags or (UNLABELLED,):
            rows[tag].append(row)
    true = np.array([track.tempo for track in tracks])
    return {tag: score(true[rows[tag]], estimated[rows[tag]]) for tag in sorted(rows)}


def estimate_all(
    tracks: Sequence[Track], cache: str, seconds: float, workers: int = 0, by: str = MADMOM
) -> tuple[np.ndarray, dict[str, str]]:
    """madmom's tempo of each track, in processes; what the cache knows is not estimated again.

    Args:
        tracks: what to estimate.
        cache: folder of `tempo_cache.cached_tempo`: an interrupted run goes on from there.
        seconds: at most that much of a track's middle is listened to.
        workers: processes; 0 takes one a core.
        by: one of `tempo.ESTIMATORS`.

    Returns:
        float [N] beats a minute, NaN where there is none, and track id -> why a file could not be read
        (its tempo is NaN too).
    """
    tempi, failed = np.full(len(tracks), np.nan), {}
    with contextlib.closing(pool.ordered_map(_estimate, _tasks(tracks, cache, seconds, by), workers)) as results:
        for row, result in enumerate(progress(results, len(tracks), "tempi")):
            if isinstance(result, pool.Died):
                failed[tracks[row].track_id] = result.reason
            elif isinstance(result, str):
                failed[tracks[row].track_id] = result
            elif result is not None:
                tempi[row] = result
    return tempi, failed


def format_scores(scores: Iterable[tuple[str, Score]]) -> str:
    """Lines of text: share and 95 % interval of both accuracies, a row a group."""
    rows = [("", "tracks", "no tempo", "Accuracy 1", "", "Accuracy 2", "")]
    rows += [
        (
            name,
            str(group.tracks),
            str(group.without),
            f"{group.accuracy1:.3f}",
            _span(group.interval1),
            f"{group.accuracy2:.3f}",
            _span(group.interval2),
        )
        for name, group in scores
    ]
    sides = ["left", *["right"] * (len(rows[0]) - 1)]
    return tabulate(rows, tablefmt="plain", colalign=sides, disable_numparse=True)


def _tasks(tracks: Sequence[Track], cache: str, seconds: float, by: str) -> Iterator[tuple[str, str, float, str]]:
    return ((track.path, cache, seconds, by) for track in tracks)


def _estimate(task: tuple[str, str, float, str]) -> float | str | None:
    """In a worker: the tempo, None for none, or why the file could not be used."""
    path, cache, seconds, by = task
    try:
        with local_copy(path) as copy:
            return cached_tempo(copy, seconds, cache, by)
    except (AudioError, StoreError, OSError, ValueError, RuntimeError, MemoryError) as error:
        # From inside a decoder or madmom: one file's trouble must not end the others.
        return f"{path}: {error}"


def _interval(right: np.ndarray) -> tuple[float, float]:
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _span(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"
