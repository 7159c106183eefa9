"""What "similar" means: named conditions, each with a rule and a slice of the embedding.

Nothing outside this module knows "genre" or "tempo". Samplers, masks, metrics, signatures, search
weights and plots iterate over a `Conditions`.

Source: Lee et al., ICASSP 2020, sections 2.1 to 2.3; labels and rules in section 3.1.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfrecords_tools.errors import UserError

KINDS = ("shared_tag", "within", "same_track", "judged")

# A judged window's part in judgement t is written as 3 t + role.
ROLES = 3
ANCHOR, POSITIVE, NEGATIVE = range(ROLES)

# Labels of N items (tracks or windows), one array a column:
#   a tag column:    int32   [N, M], vocabulary ids, padded with -1; a row of -1 is unlabelled
#   a value column:  float32 [N], NaN where unlabelled
#   a judged column: int32   [N, M], codes 3 t + role of the judgements t an item takes part in, padded with -1
#   "track":         int32   [N], which track an item belongs to
#   "start":         int32   [N], first frame of a window (only where items are windows)
Labels = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Condition:
    """One notion of similarity.

    Attributes:
        name: what users call it: a weight in a search, a row in a table.
        kind: `shared_tag` (similar = at least one tag in common), `within` (values differ by at most
            `tolerance`), `same_track` (windows of one track that overlap by at most half) or `judged`
            (people said so).
        column: label column that the rule reads; empty means `name`. Unused by `same_track`.
        width: numbers of the embedding this condition owns; 0 means it sees the whole embedding.
        tolerance: for `within`, in the column's unit (tempo: beats per minute).
        weight: factor on this condition's loss (paper: 1, and 0.5 for the track regularisation).
        share: triplets drawn for this condition relative to the others'.
        file: for `judged`, the file of judgements, see `dmml_tf.data.judgements.clips`.
        octave: for `within`, values are compared as `value_distance` does with its `octave`: a tempo of 70 is one of
            140.
    """

    name: str
    kind: str
    column: str = ""
    width: int = 64
    tolerance: float = 0.0
    weight: float = 1.0
    share: float = 1.0
    file: str = ""
    octave: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise UserError(f"condition '{self.name}': unknown kind '{self.kind}'; known are: {', '.join(KINDS)}")
        if self.width < 0 or self.tolerance < 0 or self.weight < 0 or self.share < 0:
            raise UserError(f"condition '{self.name}': width, tolerance, weight and share must not be negative")
        if self.octave and self.kind != "within":
            raise UserError(f"condition '{self.name}': octave is for kind 'within', not for '{self.kind}'")
        if not self.column:
            object.__setattr__(self, "column", "track" if self.kind == "same_track" else self.name)

    def labelled(self, labels: Labels) -> np.ndarray:
        """bool [N]: which items carry a label of this condition. Unlabelled is not "negative"."""
        column = self._column(labels)
        if self.kind in ("shared_tag", "judged"):
            return (column >= 0).any(axis=1)
        if self.kind == "within":
            return ~np.isnan(column)
        return np.ones(len(column), bool)

    def similar(self, labels: Labels, i: np.ndarray, j: np.ndarray, overlap_frames: int = 0) -> np.ndarray:
        """bool [P]: which pairs (i[k], j[k]) may serve as anchor and positive.

        Args:
            labels: columns of N items.
            i, j: int [P] item indices.
            overlap_frames: for `same_track`: least distance of two windows' starts in frames, that is
                half a window, rounded up.

        Two windows of one track are never a pair of another condition: sharing a tag with oneself
        teaches nothing about the tag. A judgement holds for its own clips, whatever tracks they are of, and
        from its anchor only: there i and j cannot be exchanged.
        """
        i, j = np.asarray(i), np.asarray(j)
        same = labels["track"][i] == labels["track"][j]
        if self.kind == "same_track":
            return same & (np.abs(labels["start"][i] - labels["start"][j]) >= max(overlap_frames, 1))
        column = self._column(labels)
        if self.kind == "judged":
            return _share_a_judgement(column[i], column[j], POSITIVE)
        if self.kind == "shared_tag":
            return _share_a_tag(column[i], column[j]) & ~same
        # NaN compares as False, which is what an unlabelled item needs on both sides.
        return (value_distance(column[i], column[j], self.octave) <= self.tolerance) & ~same

    def dissimilar(self, labels: Labels, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """bool [P]: which pairs may serve as anchor and negative: both labelled, and not similar."""
        i, j = np.asarray(i), np.asarray(j)
        different = labels["track"][i] != labels["track"][j]
        if self.kind == "same_track":
            return different
        column = self._column(labels)
        if self.kind == "judged":
            return _share_a_judgement(column[i], column[j], NEGATIVE)
        if self.kind == "shared_tag":
            known = self.labelled(labels)
            return known[i] & known[j] & ~_share_a_tag(column[i], column[j]) & different
        return (value_distance(column[i], column[j], self.octave) > self.tolerance) & different

    def _column(self, labels: Labels) -> np.ndarray:
        if self.column not in labels and self.kind == "judged":
            # People judge clips, not tracks: what comes without the column was never judged.
            return np.full((len(labels["track"]), 1), -1, np.int32)
        if self.column not in labels:
            raise UserError(
                f"condition '{self.name}' needs a label column '{self.column}'; the data has: "
                f"{', '.join(sorted(set(labels) - {'track', 'start'}))}"
            )
        return labels[self.column]


def value_distance(a: np.ndarray, b: np.ndarray, octave: bool = False) -> np.ndarray:
    """float [P]: how far two values [P] lie from each other; NaN where one is missing.

    Args:
        octave: doubles the smaller value until it lies nearest the larger: the distance is the least of
            |larger - 2^k smaller| over k >= 0. Values that are not above 0 are compared as they are.
    """
    if not octave:
        return np.abs(a - b)
    small, large = np.minimum(a, b), np.maximum(a, b)
    can = small > 0
    doublings = np.floor(np.log2(np.divide(large, small, where=can, out=np.ones_like(large))))
    return np.minimum(*(np.abs(large - small * 2.0 ** (doublings + more)) for more in (0, can)))


def _share_a_tag(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """bool [P] from two [P, M] arrays of padded ids; costs M * M, whatever the vocabulary's size."""
    return ((a[:, :, None] == b[:, None, :]) & (a[:, :, None] >= 0)).any(axis=(1, 2))


def _share_a_judgement(a: np.ndarray, b: np.ndarray, role: int) -> np.ndarray:
    """bool [P] from two [P, M] arrays of codes: a is the anchor of a judgement in which b has `role`."""
    anchors = np.where(a % ROLES == ANCHOR, a, -2 * ROLES)  # below the padding, whatever the role
    return (anchors[:, :, None] + role == b[:, None, :]).any(axis=(1, 2))


class Conditions(Sequence):
    """An ordered set of conditions that together partition the embedding.

    The conditions with a width own consecutive, disjoint slices in the order given; those of width 0
    see all of it (the track regularisation; with all widths 0, the paper's "category" model).

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

    def __getitem__(self, index):
        return self._conditions[index]

    def __iter__(self) -> Iterator[Condition]:
        return iter(self._conditions)

    def __eq__(self, other) -> bool:
        return isinstance(other, Conditions) and self._conditions == other._conditions

    def __repr__(self) -> str:
        return f"Conditions({list(self._conditions)!r})"

    def index(self, name: str) -> int:
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

    def masks(self, embedding_size: int) -> np.ndarray:
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

    def to_json(self) -> list[dict]:
        """Plain dictionaries, in order; `from_json` reads them back.

        `octave` is written only where it is set: kept figures are found by what is written here, and those made
        before there was the field hold still.
        """
        rows = [dataclasses.asdict(condition) for condition in self]
        return [{name: value for name, value in row.items() if name != "octave" or value} for row in rows]

    @classmethod
    def from_json(cls, rows: Sequence[Mapping]) -> "Conditions":
        """Inverse of `to_json`; also takes rows that leave out fields with a default."""
        return cls([Condition(**row) for row in rows])
