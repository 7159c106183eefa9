"""Windows of one track: the paper's track regularisation (section 2.3)."""

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions.condition import Condition
from dmml_tf.conditions.labels import Array, Labels

if TYPE_CHECKING:  # a search by id must not wait for what the record tools load
    from tfrecords_tools.tables.tracks import Tracks


@dataclasses.dataclass(frozen=True)
class SameTrack(Condition):
    """Two windows are similar when they are of one track and overlap by at most half.

    `column` is not read.

    >>> regularisation = dmml.SameTrack("track", width=0, weight=0.5)    # as in the paper
    """

    kind: ClassVar[str] = "same_track"
    of_one_track: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.column:
            object.__setattr__(self, "column", "track")
        super().__post_init__()

    def labelled(self, labels: Labels) -> Array:
        """bool [N]: every item, as each is of some track."""
        return np.ones(len(labels["track"]), bool)

    def similar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike, overlap_frames: int = 0) -> Array:
        """bool [P]: windows of one track whose starts lie at least `overlap_frames` apart."""
        i, j = np.asarray(i), np.asarray(j)
        apart: Array = np.abs(labels["start"][i] - labels["start"][j]) >= max(overlap_frames, 1)
        together: Array = labels["track"][i] == labels["track"][j]
        return apart & together

    def dissimilar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike) -> Array:
        """bool [P]: windows of two tracks."""
        different: Array = labels["track"][np.asarray(i)] != labels["track"][np.asarray(j)]
        return different

    def closeness(self, labels: Labels, i: Array, j: Array) -> Array:
        """float64 [P]: 1 within a track, 0 between two."""
        together: Array = labels["track"][i] == labels["track"][j]
        return together.astype(np.float64)

    def can_read(self, tags: Collection[str], values: Collection[str]) -> bool:
        """Every dataset says which track a window is of; there is no other column to read."""
        return self.column == "track"

    def fault(self, tracks: "Tracks", triplets: bool = True) -> str | None:
        """Fewer than two tracks."""
        count = len(tracks.splits)
        return None if count > 1 else f"it holds {count} track, so that no other can be a negative: add tracks"
