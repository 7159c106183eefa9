"""Clips that people compared: a file of triplets, in place of a rule."""

import dataclasses
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions.condition import Condition
from dmml_tf.conditions.labels import Array, Labels
from dmml_tf.conditions.tags import share_a_tag

# A judged window's part in judgement t is written as 3 t + role.
ROLES = 3
ANCHOR, POSITIVE, NEGATIVE = range(ROLES)


@dataclasses.dataclass(frozen=True)
class Judged(Condition):
    """Two clips are similar because people said so.

    >>> votes = dmml.Judged("votes", file="votes.csv")

    A judgement holds for its own clips, whatever tracks they are of, and from its anchor only: there i and j cannot
    be exchanged. People judge clips, not tracks: items without the column were never judged.

    Attributes:
        file: the file of judgements, see `dmml_tf.data.judgements.clips`.
    """

    kind: ClassVar[str] = "judged"
    triplets_given: ClassVar[bool] = True

    _: dataclasses.KW_ONLY
    file: str = ""

    def labelled(self, labels: Labels) -> Array:
        """bool [N]: which items take part in a judgement."""
        judged: Array = (self._codes(labels) >= 0).any(axis=1)
        return judged

    def similar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike, overlap_frames: int = 0) -> Array:
        """bool [P]: the anchors of a judgement with its closer clip."""
        return self._share_a_judgement(labels, i, j, POSITIVE)

    def dissimilar(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike) -> Array:
        """bool [P]: the anchors of a judgement with its other clip."""
        return self._share_a_judgement(labels, i, j, NEGATIVE)

    def closeness(self, labels: Labels, i: Array, j: Array) -> Array:
        """float64 [P] of NaN: people compare two clips with a third; a pair alone has no distance."""
        return np.full(len(i), np.nan)

    def given(self, labels: Labels) -> Array:
        """int32 [n, 3]: the judgements all of whose clips are among the items, never one's anchor with another's clip.

        Of a clip that is there more than once, one item stands for it.
        """
        codes = self._codes(labels)
        item, place = np.nonzero(codes >= 0)
        judgement, role = np.divmod(codes[item, place], ROLES)
        clips = [dict(zip(judgement[role == r].tolist(), item[role == r])) for r in (ANCHOR, POSITIVE, NEGATIVE)]
        whole = sorted(set(clips[ANCHOR]) & set(clips[POSITIVE]) & set(clips[NEGATIVE]))
        return np.array([[clip[t] for clip in clips] for t in whole], np.int32).reshape(-1, ROLES)

    def _share_a_judgement(self, labels: Labels, i: npt.ArrayLike, j: npt.ArrayLike, role: int) -> Array:
        """bool [P]: where i is the anchor of a judgement in which j has `role`."""
        codes = self._codes(labels)
        a, b = codes[np.asarray(i)], codes[np.asarray(j)]
        anchors = np.where(a % ROLES == ANCHOR, a, -2 * ROLES)  # below the padding, whatever the role
        return share_a_tag(anchors + role, b)

    def _codes(self, labels: Labels) -> Array:
        unjudged = np.full((len(labels["track"]), 1), -1, np.int32)
        return labels.get(self.column, unjudged)
