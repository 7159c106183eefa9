"""Tracks whose values are near each other, such as their tempo in beats a minute."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dmml_tf.conditions.by_label import ByLabel
from dmml_tf.conditions.labels import Array, Labels
from dmml_tf.conditions.values import value_bins, value_distance, value_fault

if TYPE_CHECKING:  # a search by id must not wait for what the record tools load
    from tfrecords_tools.tables.tracks import Tracks


@dataclasses.dataclass(frozen=True)
class Within(ByLabel):
    """Two tracks are similar when their values differ by at most a tolerance.

    >>> dmml.Within("tempo", 5.0).agree("90", "94"), dmml.Within("tempo", 5.0, octave=True).agree("90", "181")
    (True, True)

    Attributes:
        tolerance: in the column's unit (tempo: beats per minute).
        octave: compares values as `value_distance` does with its `octave`: a tempo of 70 is one of 140.
    """

    kind: ClassVar[str] = "within"
    reads_values: ClassVar[bool] = True

    tolerance: float = 0.0
    _: dataclasses.KW_ONLY
    octave: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_not_negative("tolerance")

    def known(self, column: Array) -> Array:
        """bool [N] of float [N]: which items have a value."""
        return ~np.isnan(column)

    def alike(self, a: Array, b: Array) -> Array:
        """bool [P]: which pairs lie within the tolerance; NaN compares as False."""
        within: Array = value_distance(a, b, self.octave) <= self.tolerance
        return within

    def closeness(self, labels: Labels, i: Array, j: Array) -> Array:
        """float64 [P]: minus the distance of the two values."""
        column = self._column(labels).astype(np.float64)
        return -value_distance(column[i], column[j], self.octave)

    def fault(self, tracks: "Tracks", triplets: bool = True) -> str | None:
        """No track with a value, no two within the tolerance, or no two beyond it."""
        values = tracks.values.get(self.column)
        return None if values is None else value_fault(values, self.tolerance, self.octave)

    def classes(self, labels: Labels) -> tuple[Array, Array]:
        """Each of 8 equally filled bins is a class."""
        return value_bins(self._column(labels))

    def agree(self, first: str, second: str) -> bool:
        """Whether two cells' values lie within the tolerance."""
        if not first or not second:
            return False
        a, b = (np.array([float(cell)]) for cell in (first, second))
        return bool(self.alike(a, b).all())

    def vote(self, cells: Sequence[str]) -> str:
        """The median; with `octave`, of the values halved or doubled until they lie nearest the first."""
        values = np.array([float(cell) for cell in cells])
        if self.octave and (values > 0).all():
            values *= 2.0 ** np.round(np.log2(values[0] / values))
        return f"{np.median(values):.6g}"
