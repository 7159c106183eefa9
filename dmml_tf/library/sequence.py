"""The best sequence of points from one end to another, by dynamic programming; exact."""

import numpy as np

from dmml_tf.conditions.labels import Array


def best_sequence(costs: Array, progress: Array, wanted: Array, apart: float) -> Array | None:
    """Chooses n - 1 of m points between two ends, each of more progress than the one before.

    The largest cost of a step is as small as any choice makes it. Among all choices of that largest cost, the sum of
    the squared costs and of the squared deviations `apart * (progress - wanted)` is smallest; of equal ones the points
    that come first. It takes m^2 n steps and m^2 numbers.

    Args:
        costs: float [m + 2, m + 2], of a step from one (first) to another (second); the ends are first and last.
        progress: float [m], ascending, of the points.
        wanted: float [n - 1], the progress that each point of the sequence should have.
        apart: what one unit of progress counts.

    Returns:
        int [n - 1], places among the m points; None where there is no such sequence.
    """
    if not len(wanted):
        return np.zeros(0, np.intp)
    if len(wanted) > len(progress):
        return None
    steps = np.where(progress[:, None] < progress, costs[1:-1, 1:-1], np.inf)
    first, last = costs[0, 1:-1], costs[1:-1, -1]
    reached = first
    for _ in wanted[1:]:
        reached = np.maximum(reached[:, None], steps).min(axis=0)
    largest = np.maximum(reached, last).min()
    if not np.isfinite(largest):
        return None

    def squares(part: Array) -> Array:
        return np.where(part <= largest, part.astype(np.float64) ** 2, np.inf)

    between, off = squares(steps), (apart * (progress - wanted[:, None])) ** 2
    total, before = squares(first) + off[0], []
    for deviation in off[1:]:
        sums = total[:, None] + between
        before.append(sums.argmin(axis=0))
        total = sums.min(axis=0) + deviation
    places = [int(np.argmin(total + squares(last)))]
    for came_from in reversed(before):
        places.append(int(came_from[places[-1]]))
    return np.array(places[::-1], np.intp)
