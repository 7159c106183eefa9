"""The labelled songs of a split in one sub-space."""

from collections.abc import Sequence
from typing import NamedTuple

from dmml_tf.conditions.labels import Array


class Side(NamedTuple):
    """N songs.

    Attributes:
        vectors: float32 [N, d], unit vectors in the sub-space.
        labels: the condition's column: int [N, M] of tags, padded with -1, or float [N].
        artists: N names.
        sources: int [N, M] of tags, what each is of, where the condition says that sources have words of their own.
    """

    vectors: Array
    labels: Array
    artists: Sequence[str]
    sources: Array | None = None
