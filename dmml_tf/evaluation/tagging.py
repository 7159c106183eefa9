"""Tagging by class prototypes: how well an embedding separates tags, without training a classifier.

Source: Lee et al., ISMIR 2020, section 4 (auto-tagging as a test of the embedding); prototypes after
Snell, Swersky, Zemel, NeurIPS 2017.
"""

import dataclasses

import numpy as np
from sklearn.metrics import roc_auc_score

from dmml_tf.conditions.tags import multi_hot
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
    known = np.flatnonzero(~np.isnan(centres).any(axis=1))
    by_place = auc_by_tag(cosines[:, known], multi_hot(column, tags)[:, known])
    auc = {int(known[place]): value for place, value in by_place.items()}
    left_out = tuple(tag for tag in range(tags) if tag not in auc)
    return Tagging(auc, float(np.mean(list(auc.values()))) if auc else None, left_out, len(column))


def auc_by_tag(scores: np.ndarray, carries: np.ndarray) -> dict[int, float]:
    """Tag -> ROC-AUC, 0..1, of the tags that some of the tracks carry and others do not.

    Args:
        scores: float [M, V]; higher is likelier.
        carries: bool [M, V].
    """
    told = np.flatnonzero(carries.any(axis=0) & ~carries.all(axis=0))
    return {int(tag): float(roc_auc_score(carries[:, tag], scores[:, tag])) for tag in told}
