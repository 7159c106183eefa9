"""What every kind of similarity answers: the one interface between a kind and the rest of the house."""

import abc
import dataclasses
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy.typing as npt

from dmml_tf.conditions.labels import Array, Labels
from dmml_tf.conditions.relevance import Relevance, RelevantPairs
from tfrecords_tools.errors import UserError

if TYPE_CHECKING:  # a search by id must not wait for what the record tools load
    from tfrecords_tools.tables.tracks import Tracks


@dataclasses.dataclass(frozen=True)
class Condition(abc.ABC):
    """One notion of similarity.

    A kind is a subclass, decorated `@dataclasses.dataclass(frozen=True)`, with the fields that its rule needs. Naming
    its `kind` makes it known to saved runs and configurations, wherever the class is written: no list is to be edited.
    `ByLabel` is the base for rules on a column of the user's table.

    >>> list(dmml.Condition.kinds)[:4]
    ['shared_tag', 'within', 'same_track', 'judged']

    Attributes:
        kind: of the class; what JSON and configurations call it.
        by_label: of the class; tracks are compared by what a column of the user's table says of them.
        reads_tags, reads_values: of the class; which kind of column that is.
        of_one_track: of the class; anchor and positive are windows of one track. Triplets then index windows, and do
            not count in what is "overall" of the comparisons between tracks.
        triplets_given: of the class; a file holds the triplets, so that none are drawn, nor mined.
        name: what users call it: a weight in a search, a row in a table.
        column: label column that the rule reads; empty means `name`.
        width: numbers of the embedding this condition owns; 0 means it sees the whole embedding.
        weight: factor on this condition's loss (paper: 1, and 0.5 for the track regularisation).
        share: triplets drawn for this condition relative to the others'.
    """

    kind: ClassVar[str]
    by_label: ClassVar[bool] = False
    reads_tags: ClassVar[bool] = False
    reads_values: ClassVar[bool] = False
    of_one_track: ClassVar[bool] = False
    triplets_given: ClassVar[bool] = False
    kinds: ClassVar[dict[str, type["Condition"]]] = {}

    name: str
    _: dataclasses.KW_ONLY
    column: str = ""
    width: int = 64
    weight: float = 1.0
    share: float = 1.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in vars(cls):
            Condition.kinds[cls.kind] = cls

    def __post_init__(self) -> None:
        for field in ("width", "weight", "share"):
            self._require_not_negative(field)
        if not self.column:
            object.__setattr__(self, "column", self.name)

    def _require_not_negative(self, field: str) -> None:
        if getattr(self, field) < 0:
            raise UserError(f"condition '{self.name}': {field} must not be negative")

    # --- the rule

    @abc.abstractmethod
    def labelled(self, labels: Labels) -> Array:
        """bool [N]: which items carry a label of this condition. Unlabelled is not "negative"."""

    @abc.abstractmethod
    def similar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike, overlap_frames: int = 0) -> Array:
        """bool [P]: which pairs (i[k], j[k]) may serve as anchor and positive.

        Args:
            labels: columns of N items.
            i, j: int [P] item indices; or [N, 1] and [1, M], for bool [N, M] at a fraction of the cost.
            overlap_frames: where both are windows of one track, least distance of their starts in frames, that is
                half a window, rounded up.

        Two windows of one track are never a pair of a condition on a label: sharing a tag with oneself
        teaches nothing about the tag.
        """

    @abc.abstractmethod
    def dissimilar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike) -> Array:
        """bool [P]: which pairs may serve as anchor and negative: both labelled, and not similar.

        Args:
            i, j: as of `similar`.
        """

    @abc.abstractmethod
    def closeness(self, labels: Labels, i: Array, j: Array) -> Array:
        """float64 [P]: how close two items are by their labels alone; larger is closer, NaN where one has none."""

    def given(self, labels: Labels) -> Array:
        """int32 [n, 3]: the triplets among the N items that a file gives, if `triplets_given`."""
        raise NotImplementedError

    # --- where labels come from, and what is said of them

    def can_read(self, tags: Collection[str], values: Collection[str]) -> bool:
        """Whether data with these columns of tags and of values have what the rule reads."""
        return True

    def fault(self, tracks: "Tracks", triplets: bool = True) -> str | None:
        """Why a split's tracks have no triplet to learn from, with the mend; None where nothing is known against it.

        Args:
            tracks: the split's columns; "artist" is one of the tags.
            triplets: whether triplets are learned from; False asks for labels alone.
        """
        return None

    def relevance(self, labels: Labels) -> Relevance:
        """What a search among the N tracks is to bring back."""
        return RelevantPairs(self.similar, labels)

    def classes(self, labels: Labels) -> tuple[Array, Array]:
        """Labels as classes: (rows int [n] of the items, class int [n]); an item once for each class it is in.

        Raises:
            UserError: if the kind has no labels that divide tracks into classes.
        """
        raise UserError(f"condition '{self.name}': kind '{self.kind}' does not divide tracks into classes")

    def agree(self, first: str, second: str) -> bool:
        """Whether two cells of this column, as text in an index, are similar by the rule; not if one is empty."""
        return False

    def vote(self, cells: Sequence[str]) -> str:
        """The label of something whose neighbours, nearest first, have these cells, none of them empty."""
        return ""
