"""How a system's vectors are compared: through which mask each condition sees them, and at what length."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.spaces import SUBSPACE, WHOLE, condition_masks, project

# Condition -> mask float [E], or None for all of the embedding.
Masks = Mapping[str, np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class Views:
    """The spaces of one system.

    Attributes:
        masks: "whole" | "subspace" -> the conditions that are scored in that space, and their masks. What is not in
            it the system does not claim to know.
        norm_order: see `dmml_tf.spaces.project`.
        normalise: False compares the vectors as they are, whatever the mask.
    """

    masks: Mapping[str, Masks]
    norm_order: str = "mask_then_norm"
    normalise: bool = True

    @classmethod
    def of_conditions(
        cls,
        conditions: Conditions,
        size: int,
        norm_order: str = "mask_then_norm",
        learned: np.ndarray | None = None,
    ) -> "Views":
        """A network of these conditions; one without a sub-space of its own sees the whole in both spaces.

        Args:
            conditions: of the network.
            size: numbers of the embedding.
            norm_order: as trained.
            learned: masks that were learned, see `dmml_tf.spaces.condition_masks`.
        """
        own = condition_masks(conditions, learned, size)
        return cls(
            {WHOLE: dict.fromkeys(conditions.names), SUBSPACE: {name: own.get(name) for name in conditions.names}},
            norm_order,
        )

    @property
    def subspaces(self) -> dict[str, np.ndarray]:
        """The masks, float [E], of the conditions that own a sub-space."""
        return {name: mask for name, mask in self.masks.get(SUBSPACE, {}).items() if mask is not None}

    def space(self, vectors: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Vectors [N, E] as they are compared, seen through `mask` [E]; None is the whole."""
        if not self.normalise:
            return vectors
        return project(vectors, np.ones(vectors.shape[1], np.float32) if mask is None else mask, self.norm_order)
