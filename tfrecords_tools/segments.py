"""Segments of a track, the parts that have labels of their own: what makes the fields of a record agree."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

START, END = "segments/start", "segments/end"
TAGS, VALUES = "segments/tags/", "segments/values/"


def segment_arrays(track: Mapping, tags: Sequence[str], values: Sequence[str]) -> dict[str, np.ndarray]:
    """The segment fields of one track as arrays, those that it lacks filled in.

    Args:
        track: field name -> what there is; without `segments/start` the track has no segment.
        tags: the tag dimensions that segments may label.
        values: the value dimensions that they may label.

    Returns:
        `segments/start` and `segments/end` float32 [n], `segments/tags/NAME` int64 [m, 2], by default empty,
        `segments/values/NAME` float32 [n], by default NaN.

    Raises:
        ValueError: if they do not agree, see `require_agreement`.
    """
    arrays = {name: _array(track.get(name), np.float32) for name in (START, END)}
    unlabelled = np.full(len(arrays[START]), np.nan, np.float32)
    for name in tags:
        ids = _array(track.get(TAGS + name), np.int64)
        arrays[TAGS + name] = ids if ids.size else ids.reshape(0, 2)
    for name in values:
        given = track.get(VALUES + name)
        arrays[VALUES + name] = unlabelled if given is None else _array(given, np.float32)
    require_agreement(arrays)
    return arrays


def _array(value: object, dtype: type) -> np.ndarray:
    return np.asarray(() if value is None else value, dtype)


def require_agreement(arrays: Mapping[str, np.ndarray]) -> None:
    """Refuses segment fields that do not belong together.

    Times must be finite, not negative and sorted by start, then by end; each segment must end after it starts; a tag's
    row must name one of the segments; a value dimension must have a number, or NaN, of each.

    Args:
        arrays: what `segment_arrays` returns; other fields are passed over.

    Raises:
        ValueError: with the field and what is wrong with it.
    """
    start, end = arrays[START], arrays[END]
    count = len(start)
    if start.ndim != 1 or end.shape != start.shape:
        raise ValueError(f"{END}: has shape {end.shape}, {START} {start.shape}")
    if not (np.isfinite(end).all() and (start >= 0).all() and (start < end).all()):
        place = int(np.argmin(np.isfinite(end) & (start >= 0) & (start < end)))
        raise ValueError(f"{START}: segment {place} goes from {start[place]:g} to {end[place]:g} s")
    if (np.diff(start) < 0).any() or (np.diff(end)[np.diff(start) == 0] < 0).any():
        raise ValueError(f"{START}: segments are not sorted by start and end")
    for name, array in arrays.items():
        if name.startswith(TAGS):
            if array.ndim != 2 or array.shape[1] != 2:
                raise ValueError(f"{name}: has shape {array.shape}, not rows of (segment, tag)")
            if len(array) and not (array[:, 0].min() >= 0 and array[:, 0].max() < count):
                raise ValueError(f"{name}: names a segment that is not among the {count} of the track")
        elif name.startswith(VALUES) and array.shape != start.shape:
            raise ValueError(f"{name}: has shape {array.shape}, {START} {start.shape}")


class Agreement:
    """What segments of one track that come in by their start have said so far, in each dimension.

    Two may overlap only with equal labels there, so that the one that reaches furthest stands for all before it.

    Args:
        dimensions: their number.
    """

    def __init__(self, dimensions: int):
        self._last: list[tuple[float, Any, int]] = [(0.0, None, 0)] * dimensions

    def contradicted(self, start: float, labels: Sequence[Any]) -> tuple[int, tuple[float, Any, int]] | None:
        """The first dimension in which a segment from `start` on says something else than one that has not ended.

        Args:
            start: not before that of any segment that was added.
            labels: of each dimension; None says nothing.

        Returns:
            Its place, and end, label and number of the other segment; None where there is no such.
        """
        for place, (label, last) in enumerate(zip(labels, self._last)):
            if label is not None and start < last[0] and label != last[1]:
                return place, last
        return None

    def add(self, end: float, labels: Sequence[Any], number: int) -> None:
        """Takes in a segment that is not contradicted; `number` is what it is called by."""
        for place, label in enumerate(labels):
            if label is not None and end > self._last[place][0]:
                self._last[place] = (end, label, number)
