"""Columns of values: a number a track, NaN where it has none."""

import numpy as np

from dmml_tf.conditions.labels import Array


def value_distance(a: Array, b: Array, octave: bool = False) -> Array:
    """float [P]: how far two values [P] lie from each other; NaN where one is missing.

    Args:
        a, b: the values.
        octave: doubles the smaller value until it lies nearest the larger: the distance is the least of
            |larger - 2^k smaller| over k >= 0. Values that are not above 0 are compared as they are.
    """
    if not octave:
        apart: Array = np.abs(a - b)
        return apart
    small, large = np.minimum(a, b), np.maximum(a, b)
    can = small > 0
    doublings = np.floor(np.log2(np.divide(large, small, where=can, out=np.ones_like(large))))
    nearest: Array = np.minimum(*(np.abs(large - small * 2.0 ** (doublings + more)) for more in (0, can)))
    return nearest


def value_fault(values: Array, tolerance: float, octave: bool) -> str | None:
    """Why values [N] of tracks give no two within a tolerance and no two beyond it; see `Condition.fault`."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return f"none of its {len(values)} tracks has a value: fill that column of your table"
    near, far = find_pairs(known, tolerance, octave)
    if not near:
        return (
            f"no two tracks lie within {tolerance:g} of each other, so that there is no positive: raise its tolerance"
        )
    if not far:
        return (
            f"its {len(known)} tracks with a value all lie within {tolerance:g} of one another, so that there is "
            "no negative: lower its tolerance"
        )
    return None


def find_pairs(known: Array, tolerance: float, octave: bool) -> tuple[bool, bool]:
    """Whether two of the sorted values [N], without NaN, lie within the tolerance, and whether two do not.

    With `octave` it takes N log N steps an octave that they span. After each number of doublings a smaller value is the
    nearer to a larger one the closer it lies to its half, quarter, ...; and the farther the closer to two thirds of
    that, where one doubling more would bring it as near. So only values beside those need be compared.
    """
    if not octave:
        return bool((np.diff(known) <= tolerance).any()), bool(known[-1] - known[0] > tolerance)
    above = known[known > 0].astype(np.float64)
    octaves = int(np.ceil(np.log2(above[-1] / above[0]))) if len(above) else 0
    own, last = np.arange(len(known)), len(known) - 1
    # Values that are not above 0 are compared as they are, so that the least is the farthest.
    others = [np.zeros_like(own)]
    for goal in (part * known * 0.5**doublings for doublings in range(octaves + 1) for part in (1.0, 2 / 3)):
        at = np.searchsorted(known, goal)
        others += [np.clip(at + step, 0, last) for step in (-2, -1, 0, 1)]  # one more each side, for what is rounded
    near = far = False
    for other in others:
        distance = value_distance(known, known[other], octave=True)
        near |= bool((distance[other != own] <= tolerance).any())
        far |= bool((distance > tolerance).any())
    return near, far


def value_bins(column: Array, bins: int = 8) -> tuple[Array, Array]:
    """(rows int [n] that have a value, bin int [n] of each): the values cut into equally filled bins."""
    rows = np.flatnonzero(~np.isnan(column))
    edges = np.quantile(column[rows], np.linspace(0, 1, bins + 1)[1:-1]) if len(rows) else []
    return rows, np.searchsorted(edges, column[rows], side="right")
