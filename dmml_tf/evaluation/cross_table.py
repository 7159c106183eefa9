"""The cross table: every sub-space on every condition's triplets.

A disentangled embedding is high on the diagonal; off it, what remains is chance (0.5) and the labels'
own correlation.
"""

from collections.abc import Mapping

import numpy as np

from dmml_tf.evaluation.accuracy import is_correct
from dmml_tf.evaluation.embed import Embedded
from dmml_tf.evaluation.evaluate import HeldOut, view

CrossTable = Mapping[str, Mapping[str, float | None]]


def cross_table(embedded: Embedded, held_out: HeldOut, norm_order: str = "mask_then_norm") -> CrossTable:
    """Triplet accuracy of sub-space i on the triplets of condition j, for the conditions that own a slice.

    Returns:
        {sub-space: {triplets: accuracy, or None where condition j has no triplet}}; empty when no
        condition owns a slice.
    """
    names = list(held_out.conditions.subspaces)

    def cell(subspace: str, name: str) -> float | None:
        triplets = held_out.triplets[name]
        if not len(triplets):
            return None
        return float(is_correct(view(embedded, held_out, name, subspace, norm_order), triplets).mean())

    return {subspace: {name: cell(subspace, name) for name in names} for subspace in names}


def diagonal_gap(table: CrossTable) -> float | None:
    """Mean of the diagonal minus mean of the rest; None if either has no figure. Empty cells are left out."""
    own = [row[name] for name, row in table.items() if row[name] is not None]
    other = [v for name, row in table.items() for key, v in row.items() if key != name and v is not None]
    return float(np.mean(own) - np.mean(other)) if own and other else None
