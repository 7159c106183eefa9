"""How much one label dimension gives another away, in bits.

Works on the label columns of `dmml_tf.conditions`: a tag column is int [N, M] of vocabulary ids padded
with -1, a value column is float [N] with NaN where unlabelled.

A tag column whose items all carry one tag is one categorical variable. A column with several tags an
item would have 2^V states and no sample could fill them, so each of its tags is a yes/no variable and
the figures are summed over the tags: an upper bound on the joint figure if the tags are independent.
"""

from collections.abc import Mapping

import numpy as np


def entropy(column: np.ndarray, bins: int = 6) -> float:
    """Entropy in bits of one label column; the sum over its tags if items carry several.

    Args:
        column: int [N, M] padded with -1, or float [N] with NaN where unlabelled.
        bins: equally filled bins of a value column.
    """
    column = np.asarray(column)[_labelled(column)]
    return float(sum(_entropy(part) for part in _parts(column, bins)))


def mutual_information(first: np.ndarray, second: np.ndarray, bins: int = 6) -> float:
    """Mutual information in bits of two label columns, over the items that both label.

    The plug-in estimate: for N items and two variables of A and B states its expectation under
    independence is about (A - 1)(B - 1) / (2 N ln 2), not 0; `chance_level` measures that floor.

    Args:
        first, second: int [N, M] padded with -1, or float [N] with NaN where unlabelled.
        bins: equally filled bins of a value column.

    Returns:
        At least 0; 0 if no item carries both labels.

    Raises:
        ValueError: if the columns differ in length.
    """
    first, second = np.asarray(first), np.asarray(second)
    if len(first) != len(second):
        raise ValueError(f"columns of {len(first)} and {len(second)} items")
    both = _labelled(first) & _labelled(second)
    seconds = list(_parts(second[both], bins))
    return float(sum(_shared(a, b) for a in _parts(first[both], bins) for b in seconds))


def mutual_information_table(labels: Mapping[str, np.ndarray], bins: int = 6) -> dict[str, dict[str, float]]:
    """Every pair of columns: `table[a][b]` bits; the diagonal holds each column's entropy."""
    return {
        a: {b: entropy(labels[a], bins) if a == b else mutual_information(labels[a], labels[b], bins) for b in labels}
        for a in labels
    }


def chance_level(first: np.ndarray, second: np.ndarray, bins: int = 6, shuffles: int = 20, seed: int = 0) -> float:
    """Mean mutual information in bits after the items of `second` are shuffled: the finite-sample floor."""
    rng = np.random.default_rng(seed)
    second = np.asarray(second)
    return float(
        np.mean([mutual_information(first, second[rng.permutation(len(second))], bins) for _ in range(shuffles)])
    )


def format_table(table: Mapping[str, Mapping[str, float]]) -> str:
    """The table as lines of text: bits, the entropies on the diagonal in brackets."""
    names = list(table)
    width = max(7, *map(len, names)) + 2  # "[1.000]" takes 7
    rows = ["".join(f"{name:>{width}}" for name in ["bits", *names])]
    for a in names:
        cells = (f"[{table[a][b]:.3f}]" if a == b else f"{table[a][b]:.3f}" for b in names)
        rows.append("".join(f"{cell:>{width}}" for cell in [a, *cells]))
    return "\n".join(rows)


def _labelled(column: np.ndarray) -> np.ndarray:
    column = np.asarray(column)
    return (column >= 0).any(axis=1) if column.ndim == 2 else ~np.isnan(column)


def _parts(column: np.ndarray, bins: int):
    """The categorical variables, int [N] each, that a column consists of."""
    if column.ndim == 1:
        edges = np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]) if len(column) else []
        yield np.searchsorted(edges, column, side="right")
    elif ((column >= 0).sum(axis=1) == 1).all():
        yield column.max(axis=1)
    else:
        for tag in np.unique(column[column >= 0]):
            yield (column == tag).any(axis=1).astype(int)


def _entropy(states: np.ndarray) -> float:
    counts = np.bincount(states) if len(states) else np.zeros(0)
    shares = counts[counts > 0] / max(len(states), 1)
    return float(-(shares * np.log2(shares)).sum())


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    if not len(a):
        return 0.0
    # Rounding may leave -1e-16 for independent variables, which no reader expects of an information.
    return max(0.0, _entropy(a) + _entropy(b) - _entropy(a * (b.max() + 1) + b))
