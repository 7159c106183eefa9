"""The cross table: every sub-space on every condition's triplets.

A disentangled embedding is high on the diagonal; off it, what remains is chance (0.5) and the labels'
own correlation.
"""

from collections.abc import Mapping

import numpy as np

from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import is_correct
from dmml_tf.evaluation.evaluate import HeldOut, view
from dmml_tf.spaces import condition_masks

CrossTable = Mapping[str, Mapping[str, float | None]]


def cross_table(
    embedded: Embedded,
    held_out: HeldOut,
    norm_order: str = "mask_then_norm",
    masks: Mapping[str, np.ndarray] | None = None,
) -> CrossTable:
    """Triplet accuracy of sub-space i on the triplets of condition j, for the conditions that have a sub-space.

    Args:
        embedded, held_out, norm_order: as in `dmml_tf.evaluation.evaluate.evaluate`.
        masks: from `dmml_tf.spaces.condition_masks`; None takes the slices of `held_out.conditions`. One of a
            condition that is not held out is left out.

    Returns:
        {sub-space: {triplets: accuracy, or None where condition j has no triplet}}; empty when there is no
        sub-space.
    """
    masks = condition_masks(held_out.conditions, None, embedded.vectors.shape[1]) if masks is None else masks
    names = [name for name in held_out.conditions.names if name in masks]

    def cell(subspace: str, name: str) -> float | None:
        triplets = held_out.triplets[name]
        if not len(triplets):
            return None
        return float(is_correct(view(embedded, held_out, name, masks[subspace], norm_order), triplets).mean())

    return {subspace: {name: cell(subspace, name) for name in names} for subspace in names}


def diagonal_gap(table: CrossTable) -> float | None:
    """Mean of the diagonal minus mean of the rest; None if either has no figure. Empty cells are left out."""
    own = [row[name] for name, row in table.items() if row[name] is not None]
    other = [v for name, row in table.items() for key, v in row.items() if key != name and v is not None]
    return float(np.mean(own) - np.mean(other)) if own and other else None
