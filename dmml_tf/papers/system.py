"""A system that can be scored: how it embeds, and through which masks each condition is seen."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from dmml_tf.embed.split import Embedded
from dmml_tf.spaces import project


@dataclasses.dataclass(frozen=True)
class System:
    """One network or baseline, trained or fitted. A row has one, or one a condition.

    Attributes:
        embed: split -> its tracks and windows.
        views: "whole" | "subspace" -> condition -> mask float [E], or None for all of the embedding. What is
            not in it the system does not claim to know.
        norm_order: see `dmml_tf.spaces.project`.
        normalise: False compares the vectors as they are.
        embed_clip: log-mel of a judged clip -> vector; None where the system cannot be asked about one.
        parameters: weights of the network; None for a baseline.
        steps: training steps taken.
        seconds: what these took, without validation.
    """

    embed: Callable[[str], Embedded]
    views: Mapping[str, Mapping[str, np.ndarray | None]]
    norm_order: str = "mask_then_norm"
    normalise: bool = True
    embed_clip: Callable[[np.ndarray], np.ndarray] | None = None
    parameters: int | None = None
    steps: int | None = None
    seconds: float | None = None

    def space(self, vectors: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Vectors [N, E] as they are compared, seen through `mask` [E]; None is the whole."""
        if not self.normalise:
            return vectors
        return project(vectors, np.ones(vectors.shape[1], np.float32) if mask is None else mask, self.norm_order)
