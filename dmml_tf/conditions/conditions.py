"""The ordered set of a model's conditions, and the slice of the embedding that each owns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from dmml_tf.conditions.condition import Condition
from dmml_tf.conditions.labels import Array
from dmml_tf.conditions.rows import from_row, to_row
from tfrecords_tools.errors import UserError


class Conditions(Sequence[Condition]):
    """An ordered set of conditions that together partition the embedding.

    The conditions with a width own consecutive, disjoint slices in the order given; those of width 0
    see all of it (the track regularisation; with all widths 0, the paper's "category" model).

    >>> conditions = dmml.Conditions([dmml.SharedTag("genre"), dmml.SameTrack("track", width=0, weight=0.5)])
    >>> conditions.names, conditions.subspaces
    (('genre', 'track'), {'genre': slice(0, 64, None)})

    Raises:
        UserError: on no condition at all, two of one name, or no share of triplets for any.
    """

    def __init__(self, conditions: Sequence[Condition]):
        self._conditions = tuple(conditions)
        self.names = tuple(condition.name for condition in self._conditions)
        if not self.names:
            raise UserError("a model needs at least one condition")
        if len(set(self.names)) < len(self.names):
            raise UserError(f"condition names must differ: {', '.join(self.names)}")
        if not any(condition.share for condition in self._conditions):
            raise UserError("every condition has share 0; give at least one a share of the triplets")

    def __len__(self) -> int:
        return len(self._conditions)

    @overload
    def __getitem__(self, index: int) -> Condition: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Condition, ...]: ...

    def __getitem__(self, index: int | slice) -> Condition | tuple[Condition, ...]:
        return self._conditions[index]

    def __iter__(self) -> Iterator[Condition]:
        return iter(self._conditions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conditions) and self._conditions == other._conditions

    def __repr__(self) -> str:
        return f"Conditions({list(self._conditions)!r})"

    def index(self, name: str) -> int:  # type: ignore[override]
        """Position of the condition of that name; `UserError` that lists the known ones otherwise."""
        if name not in self.names:
            raise UserError(f"unknown condition '{name}'; the model has: {', '.join(self.names)}")
        return self.names.index(name)

    @property
    def subspaces(self) -> dict[str, slice]:
        """Name -> slice of the embedding, for the conditions that own one, in order."""
        slices, start = {}, 0
        for condition in self:
            if condition.width:
                slices[condition.name] = slice(start, start + condition.width)
                start += condition.width
        return slices

    @property
    def size(self) -> int:
        """Numbers of the embedding that are owned by some condition (paper: 4 x 64 = 256)."""
        return sum(condition.width for condition in self)

    def masks(self, embedding_size: int) -> Array:
        """float32 [C, embedding_size] of 0 and 1 (section 2.2): row c keeps what condition c sees.

        Raises:
            UserError: if the widths do not add up to `embedding_size` (all of width 0 is allowed).
        """
        if self.size not in (0, embedding_size):
            raise UserError(
                f"the conditions' widths add up to {self.size}, the embedding has {embedding_size}; make them equal"
            )
        masks = np.ones((len(self), embedding_size), np.float32)
        for name, owned in self.subspaces.items():
            row = masks[self.index(name)]
            row[:] = 0.0
            row[owned] = 1.0
        return masks

    def to_json(self) -> list[dict[str, Any]]:
        """Plain dictionaries, in order; `from_json` reads them back. See `dmml_tf.conditions.rows.to_row`."""
        return [to_row(condition) for condition in self]

    @classmethod
    def from_json(cls, rows: Sequence[Mapping[str, Any]]) -> "Conditions":
        """Inverse of `to_json`; also takes rows that leave out fields with a default.

        Raises:
            UserError: on a row of an unknown kind, whose fields are not its kind's, or a set that cannot be.
        """
        return cls([from_row(row) for row in rows])
