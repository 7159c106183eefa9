"""Rules on a column of the user's table: two tracks are similar by what it says of each, or of parts of them."""

import abc
import dataclasses
from collections.abc import Collection
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions.condition import Condition
from dmml_tf.conditions.labels import Array, Labels, label_columns, part_of
from tfrecords_tools.errors import UserError


@dataclasses.dataclass(frozen=True)
class ByLabel(Condition):
    """Two tracks compared by their labels in one column, of tags or of values.

    A kind sets `reads_tags` or `reads_values`.
    """

    by_label: ClassVar[bool] = True

    @abc.abstractmethod
    def known(self, column: Array) -> Array:
        """bool [N]: which items of the column have a label."""

    @abc.abstractmethod
    def alike(self, a: Array, b: Array) -> Array:
        """bool [P]: which of two items' labels make them similar; False where one has none."""

    def labelled(self, labels: Labels) -> Array:
        """bool [N]: which items have a label in the column."""
        return self.known(self._column(labels))

    def similar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike, overlap_frames: int = 0) -> Array:
        """bool [P]: items of two tracks that are alike."""
        i, j, column = np.asarray(i), np.asarray(j), self._column(labels)
        different: Array = labels["track"][i] != labels["track"][j]
        return self.alike(column[i], column[j]) & different

    def dissimilar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike) -> Array:
        """bool [P]: items that both have a label and are not alike, of two tracks or of two parts of one.

        Parts are known by the labels of their own that the data give them. Two windows of a song of one label may seem
        to differ, as by the speed that they are played at, and are no such pair.
        """
        i, j, column = np.asarray(i), np.asarray(j), self._column(labels)
        known = self.known(column)
        different: Array = known[i] & known[j] & self._apart(labels, i, j)
        return different & ~self.alike(column[i], column[j])

    def can_read(self, tags: Collection[str], values: Collection[str]) -> bool:
        """Whether the column is among the tags, or the values, whichever the kind reads."""
        return self.column in (tags if self.reads_tags else values)

    def _apart(self, labels: Labels, i: Array, j: Array) -> Array:
        """bool [P]: items of two tracks, or of one that have two of its labels."""
        apart: Array = labels["track"][i] != labels["track"][j]
        part = labels.get(part_of(self.column))
        return apart if part is None else apart | (part[i] != part[j])

    def _column(self, labels: Labels) -> Array:
        if self.column not in labels:
            raise UserError(
                f"condition '{self.name}' needs a label column '{self.column}'; the data has: "
                f"{', '.join(label_columns(labels))}"
            )
        return labels[self.column]
