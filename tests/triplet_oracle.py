"""What the paper says of a pair of windows, in plain Python loops: the oracle of conditions and samplers."""

import math
from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Condition, Judged, SameTrack, SharedTag

WINDOW_FRAMES = 129


def tags_of(labels: Mapping[str, np.ndarray], column: str, item: int) -> set[int]:
    """The tags of one item, without the padding."""
    return {int(tag) for tag in labels[column][item] if tag >= 0}


def judged_as(labels: Mapping[str, np.ndarray], column: str, a: int, other: int, role: int) -> bool:
    """Whether some judgement has item a as its anchor and `other` in `role` (1 the closer clip, 2 the other one)."""
    return any(code % 3 == 0 and code + role in tags_of(labels, column, other) for code in tags_of(labels, column, a))


def is_positive(condition: Condition, labels: Mapping[str, np.ndarray], a: int, p: int) -> bool:
    """Whether window p may be the positive of anchor a."""
    if isinstance(condition, Judged):
        return judged_as(labels, condition.column, a, p, 1)
    same = int(labels["track"][a]) == int(labels["track"][p])
    if isinstance(condition, SameTrack):
        distance = abs(int(labels["start"][a]) - int(labels["start"][p]))
        return same and a != p and max(0, WINDOW_FRAMES - distance) * 2 <= WINDOW_FRAMES
    if same:
        return False
    if isinstance(condition, SharedTag):
        return bool(tags_of(labels, condition.column, a) & tags_of(labels, condition.column, p))
    x, y = (float(labels[condition.column][item]) for item in (a, p))
    return not math.isnan(x) and not math.isnan(y) and apart(x, y, condition.octave) <= condition.tolerance


def is_negative(condition: Condition, labels: Mapping[str, np.ndarray], a: int, n: int) -> bool:
    """Whether window n may be the negative of anchor a."""
    if isinstance(condition, Judged):
        return judged_as(labels, condition.column, a, n, 2)
    if int(labels["track"][a]) == int(labels["track"][n]):
        # Two parts of a song whose label changes; `part/...` says which of its labels a window has.
        part = labels.get(f"part/{condition.column}")
        if isinstance(condition, SameTrack) or part is None or part[a] == part[n]:
            return False
    if isinstance(condition, SameTrack):
        return True
    if isinstance(condition, SharedTag):
        mine, other = tags_of(labels, condition.column, a), tags_of(labels, condition.column, n)
        return bool(mine) and bool(other) and not mine & other
    x, y = (float(labels[condition.column][item]) for item in (a, n))
    return not math.isnan(x) and not math.isnan(y) and apart(x, y, condition.octave) > condition.tolerance


def apart(x: float, y: float, octave: bool) -> float:
    """The distance of two values; with `octave` the least one after up to 40 doublings of the smaller."""
    small, large = min(x, y), max(x, y)
    return min(abs(large - small * 2**k) for k in range(40 if octave and small > 0 else 1))


def able_anchors(condition: Condition, labels: Mapping[str, np.ndarray]) -> set[int]:
    """The windows that have a positive and a negative."""
    everyone = range(len(labels["track"]))
    return {
        a
        for a in everyone
        if any(is_positive(condition, labels, a, p) for p in everyone)
        and any(is_negative(condition, labels, a, n) for n in everyone)
    }


def random_judgements(rng: np.random.Generator, windows: int, judgements: int) -> np.ndarray:
    """int32 [windows, M] codes of judgements whose clips are drawn from the windows: a window has none, one or more.

    Of every fourth judgement the last clip is not there.
    """
    codes = [[] for _ in range(windows)]
    for judgement in range(judgements):
        for role, window in enumerate(rng.choice(windows, 3, replace=False)[: 2 if judgement % 4 == 3 else 3]):
            codes[window].append(3 * judgement + role)
    return np.array([row + [-1] * (max(map(len, codes)) - len(row)) for row in codes], np.int32)


def with_parts(labels: Mapping[str, np.ndarray], rng: np.random.Generator, share: float = 0.6) -> dict:
    """The same labels, but windows of some tracks have one of two labels of their track, or none.

    Their genre is another than those of `labels`, and their tempo.
    """
    labels = {name: column.copy() for name, column in labels.items()}
    track = labels["track"]
    changes = (rng.random(track.max(initial=0) + 1) < share)[track]
    for column in ("genre", "tempo"):
        part = np.where(changes, rng.choice([-1, 1, 2], len(track)), 0)
        own = labels[column]
        if column == "genre":
            other = np.full_like(own, -1)
            other[:, 0] = (track + part) % 4
            new = np.where((part < 0)[:, None], -1, other)
            labels[column] = np.where(changes[:, None], new, own)
        else:
            labels[column] = np.where(changes, np.where(part < 0, np.nan, 60 + track + 9 * part), own).astype(
                np.float32
            )
        labels[f"part/{column}"] = part.astype(np.int32)
    return labels


def random_labels(
    rng: np.random.Generator, tracks: int = 20, windows: int = 2, vocabulary: int = 4, unlabelled: float = 0.3
) -> dict[str, np.ndarray]:
    """Labels of `tracks * windows` windows: up to three genres, one mood, a tempo in whole beats; many missing."""
    genre = np.full((tracks, 3), -1, np.int32)
    for row in genre:
        found = rng.choice(vocabulary, size=rng.integers(0, min(3, vocabulary) + 1), replace=False)
        row[: len(found)] = found
    mood = np.where(rng.random((tracks, 1)) < unlabelled, -1, rng.integers(vocabulary, size=(tracks, 1)))
    tempo = np.where(rng.random(tracks) < unlabelled, np.nan, rng.integers(60, 90, size=tracks)).astype(np.float32)
    items = np.repeat(np.arange(tracks), windows)
    return {
        "genre": genre[items],
        "mood": mood.astype(np.int32)[items],
        "tempo": tempo[items],
        "track": items.astype(np.int32),
        "start": rng.integers(0, 301, size=len(items)).astype(np.int32),
    }
