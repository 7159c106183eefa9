"""Labels of N items, tracks or windows: one array a column.

a tag column:    int32   [N, M], vocabulary ids, padded with -1; a row of -1 is unlabelled
a value column:  float32 [N], NaN where unlabelled
a judged column: int32   [N, M], codes 3 t + role of the judgements t an item takes part in, padded with -1
"track":         int32   [N], which track an item belongs to
"start":         int32   [N], first frame of a window (only where items are windows)
"part/COLUMN":   int32   [N], which of its song's labels of that column an item has, for columns that change within
                 songs: 1 and up, 0 in a song of one label, -1 where the item has none of them
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Labels = Mapping[str, Array]
_PART = "part/"


def part_of(column: str) -> str:
    """The column that says which of its song's labels an item has."""
    return f"{_PART}{column}"


def changes_within(labels: Labels, column: str) -> Array:
    """bool [N]: which items are of songs that have more than one label of that column."""
    part: Array = labels.get(part_of(column), np.zeros(len(labels["track"]), np.int32))
    return np.not_equal(part, 0)


def label_columns(labels: Labels) -> list[str]:
    """The columns that are labels, sorted: neither "track" and "start" nor one that `part_of` names."""
    return sorted(name for name in labels if name not in ("track", "start") and not name.startswith(_PART))
