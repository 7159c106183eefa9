"""Tagging by class prototypes: how well an embedding separates tags, without training a classifier.

Source: Lee et al., ISMIR 2020, section 4 (auto-tagging as a test of the embedding); prototypes after
Snell, Swersky, Zemel, NeurIPS 2017.
"""

import dataclasses

import numpy as np
from sklearn.metrics import roc_auc_score

from dmml_tf.spaces import unit


@dataclasses.dataclass(frozen=True)
class Tagging:
    """ROC-AUC of one tag column.

    Attributes:
        auc: tag id -> ROC-AUC, 0..1, of the tags that could be scored.
        macro: their mean; None where no tag could be scored.
        left_out: ids of the tags without a track in train, or without a track on both sides in test.
        tracks: labelled test tracks that were scored.
    """

    auc: dict[int, float]
    macro: float | None
    left_out: tuple[int, ...]
    tracks: int


def prototypes(space: np.ndarray, column: np.ndarray, tags: int) -> np.ndarray:
    """float64 [tags, D]: mean unit vector of the tracks that carry each tag; NaN for a tag nobody carries.

    Args:
        space: float [N, D] of the train split.
        column: int [N, M] ids, padded with -1.
        tags: size of the vocabulary.
    """
    row, slot = np.nonzero(column >= 0)
    tag = column[row, slot]
    sums = np.zeros((tags, space.shape[1]))
    np.add.at(sums, tag, unit(space.astype(np.float64))[row])
    counts = np.bincount(tag, minlength=tags)
    means = sums / np.maximum(counts, 1)[:, None]
    means[counts == 0] = np.nan
    return means


def tagging(
    train: np.ndarray, train_column: np.ndarray, test: np.ndarray, test_column: np.ndarray, tags: int
) -> Tagging:
    """Scores each tag by the cosine of a test track to the tag's prototype.

    Tracks without any tag of the column are left out: untagged is not a negative.

    Args:
        train, test: float [N, D] and [M, D], as `dmml_tf.spaces.project` gives them.
        train_column, test_column: int ids of one tag column, padded with -1.
        tags: size of its vocabulary.
    """
    labelled = (test_column >= 0).any(axis=1)
    column = test_column[labelled]
    centres = prototypes(train, train_column, tags)
    cosines = unit(test[labelled].astype(np.float64)) @ unit(centres).T
    auc, left_out = {}, []
    for tag in range(tags):
        carries = (column == tag).any(axis=1)
        if not carries.any() or carries.all() or np.isnan(centres[tag, 0]):
            left_out.append(tag)
            continue
        auc[tag] = float(roc_auc_score(carries, cosines[:, tag]))
    return Tagging(auc, float(np.mean(list(auc.values()))) if auc else None, tuple(left_out), len(column))
