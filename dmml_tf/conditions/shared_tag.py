"""Tracks that have a tag in common: genre, mood, instrument, era, artist, whatever the column holds."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions.by_label import ByLabel
from dmml_tf.conditions.labels import Array, Labels
from dmml_tf.conditions.relevance import Relevance, RelevantTags
from dmml_tf.conditions.tags import share_a_tag, tag_cosine, tag_fault
from tfrecords_tools.tables.formats import TAG_SEPARATOR

if TYPE_CHECKING:  # a search by id must not wait for what the record tools load
    from tfrecords_tools.tables.tracks import Tracks


@dataclasses.dataclass(frozen=True)
class SharedTag(ByLabel):
    """Two tracks are similar when they share at least one tag of a column.

    >>> dmml.SharedTag("genre").agree("rock|pop", "pop|jazz")
    True

    Attributes:
        among: another column of tags, or empty. Tracks that share no tag are then known to differ only if they share
            one of that column: sources with vocabularies of their own, for instance, of which one says `techno` to
            what the other calls `House`. Labels without that column are of one source.
    """

    kind: ClassVar[str] = "shared_tag"
    reads_tags: ClassVar[bool] = True

    _: dataclasses.KW_ONLY
    among: str = ""

    def known(self, column: Array) -> Array:
        """bool [N] of int [N, M]: which items have a tag."""
        tagged: Array = (column >= 0).any(axis=1)
        return tagged

    def alike(self, a: Array, b: Array) -> Array:
        """bool [P]: which pairs share a tag."""
        return share_a_tag(a, b)

    def dissimilar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike) -> Array:
        """bool [P]: two tagged tracks that share no tag; with `among`, of one source."""
        different = super().dissimilar(labels, i, j)
        if self.among in labels:
            source = labels[self.among]
            different &= share_a_tag(source[np.asarray(i)], source[np.asarray(j)])
        return different

    def closeness(self, labels: Labels, i: Array, j: Array) -> Array:
        """float64 [P]: the cosine of the two sets of tags, as multi-hot vectors."""
        column = self._column(labels)
        return tag_cosine(column[i], column[j])

    def fault(self, tracks: "Tracks", triplets: bool = True) -> str | None:
        """No column `among`, no track tagged, no two that share a tag, or no two that share none."""
        if self.among and self.among not in tracks.tags:
            return f"there is no column '{self.among}' of tags to take dissimilar tracks among"
        return tag_fault(tracks.tags[self.column], triplets) if self.column in tracks.tags else None

    def relevance(self, labels: Labels) -> Relevance:
        """Tracks that share a tag; results recall the tags that they carry."""
        return RelevantTags(self._column(labels))

    def classes(self, labels: Labels) -> tuple[Array, Array]:
        """Each tag is a class."""
        column = self._column(labels)
        rows, slots = np.nonzero(column >= 0)
        return rows, column[rows, slots]

    def agree(self, first: str, second: str) -> bool:
        """Whether two cells name a tag in common."""
        return bool(first and second) and not {*first.split(TAG_SEPARATOR)}.isdisjoint(second.split(TAG_SEPARATOR))

    def vote(self, cells: Sequence[str]) -> str:
        """The most frequent tag; each neighbour votes for all of its own, of equal ones the nearest's is taken."""
        return collections.Counter(tag for cell in cells for tag in cell.split(TAG_SEPARATOR)).most_common(1)[0][0]
