"""The cross table, every sub-space on every condition's triplets, and how far it is from what the labels force.

A disentangled embedding is high on the diagonal; off it, what remains is chance (0.5) and the labels' own correlation:
a sub-space that knows genre perfectly and nothing else still scores above 0.5 on mood triplets where genre and mood go
together. That score, from labels alone, is what the cross table is compared with.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from dmml_tf.conditions import Condition, Conditions, Labels
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import is_correct
from dmml_tf.evaluation.held_out import HeldOut
from dmml_tf.evaluation.views import Views
from tfrecords_tools.check.mutual_information import mutual_information_table

CrossTable = Mapping[str, Mapping[str, float | None]]


def cross_table(embedded: Embedded, held_out: HeldOut, views: Views) -> CrossTable:
    """Triplet accuracy of sub-space i on the triplets of condition j, for the conditions that have a sub-space.

    Args:
        embedded: the system's vectors of the tracks and windows that `held_out` was drawn from.
        held_out: the triplets.
        views: how the vectors are compared; a sub-space of a condition that owns none in `held_out` is left out.

    Returns:
        {sub-space: {triplets: accuracy, or None where condition j has no triplet}}; empty when there is no
        sub-space.
    """
    masks = views.subspaces
    names = [name for name in held_out.conditions.subspaces if name in masks]

    def cell(subspace: str, name: str) -> float | None:
        triplets = held_out.triplets[name]
        if not len(triplets):
            return None
        return float(is_correct(views.space(held_out.items(embedded, name), masks[subspace]), triplets).mean())

    return {subspace: {name: cell(subspace, name) for name in names} for subspace in names}


def diagonal_gap(table: CrossTable) -> float | None:
    """Mean of the diagonal minus mean of the rest; None if either has no figure. Empty cells are left out."""
    cells = [(name, key, value) for name, row in table.items() for key, value in row.items() if value is not None]
    own = [value for name, key, value in cells if name == key]
    other = [value for name, key, value in cells if name != key]
    return float(np.mean(own) - np.mean(other)) if own and other else None


@dataclasses.dataclass(frozen=True)
class Disentanglement:
    """A cross table minus the labels' own.

    Attributes:
        own: mean over the diagonal; at most 0, and 0 where each sub-space has all its triplets right.
        leak: mean over the rest; above 0 where sub-spaces know more of the other conditions than the
            labels' correlation explains.
        value: `own` - `leak`: 0 for an embedding that knows the labels and keeps them apart, about -0.5
            for chance as well as for one space used everywhere that has all triplets right.
    """

    own: float
    leak: float
    value: float


def disentanglement(table: CrossTable, labels_table: CrossTable) -> Disentanglement | None:
    """Mean diagonal minus mean off-diagonal, both relative to the labels' own correlation.

    Args:
        table: from `dmml_tf.evaluation.cross_table.cross_table`.
        labels_table: `label_cross_table` of the same held-out triplets.

    Returns:
        `Disentanglement`, or None if the diagonal or the rest has no figure. Empty cells are left out.
    """
    cells = list(_excess(table, labels_table))
    own = [value for row, column, value in cells if row == column]
    leak = [value for row, column, value in cells if row != column]
    if not own or not leak:
        return None
    return Disentanglement(float(np.mean(own)), float(np.mean(leak)), float(np.mean(own) - np.mean(leak)))


def label_cross_table(held_out: HeldOut, labels: Labels) -> CrossTable:
    """Triplet accuracy of an oracle that knows condition i's labels alone on the triplets of condition j.

    The oracle of a tag column is the unit multi-hot vector of a track's tags, that of a value column the
    value itself, that of `same_track` the track. A triplet whose two distances tie, or with an unlabelled
    track, counts half, as a real embedding without the knowledge would get: 0.5 means nothing in common.

    Args:
        held_out: the triplets that the cross table was made from.
        labels: label columns of the tracks.

    Returns:
        {oracle: {triplets: accuracy, or None where condition j has no triplet}}, the conditions that own a slice.
    """
    names = list(held_out.conditions.subspaces)

    def cell(oracle: str, name: str) -> float | None:
        owners = held_out.owners(name)
        condition = held_out.conditions[held_out.conditions.index(oracle)]
        return _oracle_accuracy(condition, labels, owners) if len(owners) else None

    return {oracle: {name: cell(oracle, name) for name in names} for oracle in names}


def label_information(conditions: Conditions, labels: Labels) -> dict[str, dict[str, float]]:
    """Mutual information in bits of each two conditions' columns; the diagonal holds the entropies.

    Of the conditions that own a slice and read a column; see `tfrecords_tools.check.mutual_information`.
    """
    read = [c for c in conditions if c.width and c.by_label]
    return mutual_information_table({c.name: labels[c.column] for c in read})


def _excess(table: CrossTable, labels_table: CrossTable) -> Iterator[tuple[str, str, float]]:
    for row, columns in table.items():
        for column, value in columns.items():
            expected = labels_table[row][column]
            if value is not None and expected is not None:
                yield row, column, value - expected


def _oracle_accuracy(condition: Condition, labels: Labels, tracks: np.ndarray) -> float:
    anchor, positive, negative = tracks.T
    near, far = (condition.closeness(labels, anchor, other) for other in (positive, negative))
    unknown = np.isnan(near) | np.isnan(far)
    return float(np.where(unknown | (near == far), 0.5, near > far).mean())
