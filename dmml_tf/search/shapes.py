"""Whether the arrays of an index belong together."""

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import Coarse


def fit_together(
    vectors: Array, lengths: Array | None, coarse: Coarse | None, shape: tuple[int, int], parts: int
) -> bool:
    """Whether vectors are float32 of `shape` (N, D), lengths float32 [N, `parts`], and codes of as many."""
    count, size = shape
    if vectors.shape != shape or vectors.dtype != np.float32:
        return False
    if lengths is not None and (lengths.shape != (count, parts) or lengths.dtype != np.float32):
        return False
    return coarse is None or coarse.fits(count, size * (1 if lengths is None else 2))
