"""Embeddings in NumPy: masks, unit length, and the search vector. The oracle of the Keras layers.

Source: Lee et al., ICASSP 2020, section 2.2; the order (mask, then normalise) is that of the sequel
(ISMIR 2020), figure 1 and its formula; the other order is the option `norm_then_mask`.
"""

import numpy as np

from dmml_tf.conditions import Conditions

NORM_ORDERS = ("mask_then_norm", "norm_then_mask")

# Where two items are compared: in all of the embedding, or in a condition's own part of it.
# Keys of figures and columns.
WHOLE, SUBSPACE = "whole", "subspace"


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [..., D] scaled to length 1; a zero vector stays zero. Agrees with `tf.math.l2_normalize`."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-6)


def project(vectors: np.ndarray, mask: np.ndarray, norm_order: str = "mask_then_norm") -> np.ndarray:
    """Embeddings [N, D] seen through one mask [D], in the space whose distances the loss compares."""
    return unit(vectors * mask) if norm_order == "mask_then_norm" else unit(vectors) * mask


def condition_masks(conditions: Conditions, learned: np.ndarray | None, size: int) -> dict[str, np.ndarray]:
    """The mask, float32 [size], of each condition that has a sub-space of its own; the others see the whole.

    Args:
        conditions: the model's.
        learned: float32 [C, size], one row a condition, where the masks were learned; None takes the slices.
        size: numbers of the embedding.
    """
    masks = conditions.masks(size) if learned is None else learned
    return {name: masks[conditions.index(name)] for name in conditions.subspaces}


def search_vectors(vectors: np.ndarray, conditions: Conditions) -> np.ndarray:
    """Each sub-space at unit length, side by side: [N, D] -> [N, D].

    Then `sum_c w_c cos_c(x, y) = <[w_c x_c], [y_c]>`: one inner product answers every weighting.
    Without sub-spaces (all widths 0) the whole embedding is the one slice.
    """
    out = np.zeros_like(vectors, dtype=np.float32)
    for owned in conditions.subspaces.values() or [slice(None)]:
        out[:, owned] = unit(vectors[:, owned])
    return out


def searches_whole(conditions: Conditions) -> bool:
    """Whether a search can weigh the whole embedding beside sub-spaces: there are some, and none is called so."""
    # Where a condition itself is called so, the name is the condition's.
    return bool(conditions.subspaces) and WHOLE not in conditions.subspaces


def length_shares(embeddings: np.ndarray, conditions: Conditions) -> np.ndarray:
    """Length of each sub-space over that of the whole: [N, D] -> float32 [N, C]; zeros for a zero vector."""
    lengths = np.stack([np.linalg.norm(embeddings[:, part], axis=1) for part in conditions.subspaces.values()], axis=1)
    return unit(lengths.astype(np.float32))
