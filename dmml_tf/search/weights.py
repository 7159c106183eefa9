"""How much each condition counts in a search."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import as_known


def parse_weights(text: str) -> dict[str, float]:
    """`"tempo=1,genre=0.2"` -> `{"tempo": 1.0, "genre": 0.2}`.

    Raises:
        UserError: if a part has no `=`, a weight is not a finite number, or a name comes twice.
    """
    weights = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not (name and equals):
            raise UserError(f"--weights: '{part.strip()}' is not of the form NAME=NUMBER, as in tempo=1,genre=0.2")
        if name in weights:
            raise UserError(f"--weights: '{name}' is given twice; name each condition once")
        try:
            weights[name] = float(number)
        except ValueError:
            raise UserError(f"--weights: '{number}' is not a number (weight of '{name}')") from None
    return weights


def weight_vector(weights: Mapping[str, float] | None, names: Sequence[str]) -> Array:
    """One weight a searchable condition, float64 [C], in the order of `names`.

    Args:
        weights: by name; conditions left out weigh 0, and with None each weighs 1. A negative weight
            pushes away.
        names: the conditions that own a slice of the index.

    Raises:
        UserError: on an unknown name, a weight that is not finite, or none above 0.
    """
    if weights is None:
        return np.ones(len(names))
    weights = {as_known(name, names): weight for name, weight in weights.items()}
    for name, weight in weights.items():
        if name not in names:
            raise UserError(f"no condition '{name}' to weigh; this index has: {', '.join(names)}")
        if not math.isfinite(weight):
            raise UserError(f"the weight of '{name}' is {weight}; give a finite number")
    if not any(weight > 0 for weight in weights.values()):
        raise UserError(f"no weight is above 0; give one of {', '.join(names)} a positive weight")
    return np.array([weights.get(name, 0.0) for name in names], np.float64)
