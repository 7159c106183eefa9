"""What is heard in songs without labels as columns, so that they can be filtered by it."""

from typing import Any

import pyarrow as pa

from dmml_tf.conditions.labels import Array
from dmml_tf.heard.heard_as import HeardAs

HEARD = "heard "  # what such a column's name begins with: a label that is heard is a guess
_AT_ONCE = 8192


def heard_columns(heard_as: HeardAs, vectors: Array) -> dict[str, Any]:
    """Column -> Arrow array of N strings: the likeliest label of each condition, empty where it is unsure.

    Args:
        heard_as: says what is heard.
        vectors: float32 [N, D], search vectors.
    """
    columns: dict[str, list[str]] = {f"{HEARD}{name}": [] for name in heard_as.parts}
    for start in range(0, len(vectors), _AT_ONCE):
        for said in heard_as.heard(vectors[start : start + _AT_ONCE], most=1):
            for name, several in said.items():
                label = several[0].label if several else ""
                columns[f"{HEARD}{name}"].append(label if isinstance(label, str) else f"{label:.4g}")
    return {name: pa.array(cells, pa.string()) for name, cells in columns.items()}
