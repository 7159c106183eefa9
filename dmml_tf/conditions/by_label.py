"""Rules on a column of the user's table: two tracks are similar by what it says of each."""

import abc
import dataclasses
from collections.abc import Collection
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions.condition import Condition
from dmml_tf.conditions.labels import Array, Labels
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
        """bool [P]: items of two tracks that both have a label and are not alike."""
        i, j, column = np.asarray(i), np.asarray(j), self._column(labels)
        known = self.known(column)
        different: Array = known[i] & known[j] & (labels["track"][i] != labels["track"][j])
        return different & ~self.alike(column[i], column[j])

    def can_read(self, tags: Collection[str], values: Collection[str]) -> bool:
        """Whether the column is among the tags, or the values, whichever the kind reads."""
        return self.column in (tags if self.reads_tags else values)

    def _column(self, labels: Labels) -> Array:
        if self.column not in labels:
            raise UserError(
                f"condition '{self.name}' needs a label column '{self.column}'; the data has: "
                f"{', '.join(sorted(set(labels) - {'track', 'start'}))}"
            )
        return labels[self.column]
