"""Which neighbouring windows of a song sound alike: they are one stretch."""

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array

# Least cosine of a window with the stretch before it, in every sub-space, to be of it. `dmml bench stretches` measures
# others: windows of a song of the demo lie above, those of another song below it in some sub-space.
LEAST_COSINE = 0.6


def join_windows(windows: Array, conditions: Conditions, least_cosine: float = LEAST_COSINE) -> Array:
    """Divides a song's windows, from the first to the last, into stretches.

    A window is of the stretch before it if, in every sub-space, its cosine with the mean of that stretch so far is
    `least_cosine` or more; else it begins the next one.

    Args:
        windows: float32 [W, E] embeddings, W at least 1, in their order.
        conditions: whose slices are compared; the whole embedding where none owns a slice.
        least_cosine: above 1 each window is a stretch, at -1 all of them are one.

    Returns:
        int64 [S + 1]: the first window of each of the S stretches, then W.
    """
    slices = list(conditions.subspaces.values()) or [slice(None)]
    windows = np.asarray(windows, np.float64)
    firsts, total = [0], windows[0]
    for place, window in enumerate(windows[1:], 1):
        if min(_cosine(total[part], window[part]) for part in slices) >= least_cosine:
            total = total + window  # its direction is the mean's
        else:
            firsts.append(place)
            total = window
    return np.array([*firsts, len(windows)])


def _cosine(a: Array, b: Array) -> float:
    """0 where one has no length."""
    lengths = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / lengths if lengths else 0.0
