"""Where a song changes: Foote's novelty on the self-similarity of its windows.

Source: Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.
"""

import numpy as np
from scipy.signal import find_peaks

KERNEL = 10  # windows; half of them before the boundary and half after it
# Least novelty of a boundary, see `novelty` for its unit.
THRESHOLD = 0.2
# Standard deviation of the taper, as a share of half the kernel: its outermost windows still count a seventh.
_TAPER = 0.5


def self_similarity(vectors: np.ndarray) -> np.ndarray:
    """float32 [W, W] cosines of every two windows, from their unit vectors [W, D].

    >>> trace = dmml.load("runs/mine").trace("a.wav", hop=0.25)
    >>> dmml.self_similarity(trace.subspaces["tempo"]).shape == (len(trace.vectors), len(trace.vectors))
    True
    """
    return (vectors @ vectors.T).astype(np.float32)


def checkerboard(size: int = KERNEL) -> np.ndarray:
    """Foote's kernel with a Gaussian taper, float64 [size, size].

    Its positive cells (both windows on one side of the boundary) add up to 1, its negative cells (one
    window on either side) to -1.

    Raises:
        ValueError: if `size` is odd or below 2.
    """
    if size < 2 or size % 2:
        raise ValueError(f"a checkerboard has an even number of windows, got {size}")
    place = (np.arange(size) - (size - 1) / 2) / (size / 2)
    taper = np.exp(-0.5 * (place / _TAPER) ** 2)
    weights = np.outer(taper, taper)
    same_side = np.equal.outer(place > 0, place > 0)
    return np.where(same_side, weights / weights[same_side].sum(), -weights / weights[~same_side].sum())


def novelty(similarity: np.ndarray, size: int = KERNEL) -> np.ndarray:
    """How much a song changes between window i - 1 and window i, float64 [W].

    It is the weighted mean cosine within the two sides minus that across them: 0 for a song that stays
    the same, 1 where two sides at right angles meet, 2 at most.

    Args:
        similarity: [W, W].
        size: windows of the kernel.

    Returns:
        0 wherever the kernel does not lie whole in the song: half a kernel would call each end a boundary.
    """
    kernel, half, curve = checkerboard(size), size // 2, np.zeros(len(similarity))
    for i in range(half, len(similarity) - half):
        curve[i] = (kernel * similarity[i - half : i + half, i - half : i + half]).sum()
    return curve


def boundaries(values: np.ndarray, threshold: float = THRESHOLD, size: int = KERNEL) -> np.ndarray:
    """int64 [n] ascending: the peaks of a novelty curve.

    Args:
        values: from `novelty`.
        threshold: least height, and least rise above the valleys beside it.
        size: of the kernel; of peaks closer than half of it the highest stays.
    """
    return find_peaks(values, height=threshold, prominence=threshold, distance=max(size // 2, 1))[0]


def flat_path(vectors: np.ndarray) -> np.ndarray:
    """Trajectory of W vectors on their two principal axes, float64 [W, 2]; a side without spread is 0.

    The sign of an axis is fixed: its largest coordinate is positive.
    """
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    path = np.zeros((len(vectors), 2))
    count = min(2, len(lengths))
    path[:, :count] = left[:, :count] * lengths[:count]
    largest = path[np.abs(path).argmax(axis=0), [0, 1]]
    return path * np.where(largest < 0, -1.0, 1.0)
