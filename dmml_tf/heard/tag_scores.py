"""Tags of a song by one linear score a tag: logistic regression on the sub-space's unit vectors.

Source: the read-out of a fixed embedding is that of Lee et al., ISMIR 2020, section 4; on the valid split of real music
it ranks tags better than their prototypes do (docs/search.md).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.heard.said import Said


@dataclasses.dataclass(frozen=True, eq=False)
class TagScores:
    """The share of a tag is `1 / (1 + exp(-score))`; a song may carry several, so that shares do not add up to 1.

    Attributes:
        tags: V names.
        weights: float32 [V, d], of the numbers of a unit vector in the sub-space.
        offsets: float32 [V].
    """

    tags: tuple[str, ...]
    weights: Array
    offsets: Array

    def scores(self, vectors: Array) -> Array:
        """float32 [N, V] of unit vectors [N, d]."""
        scores: Array = vectors @ self.weights.T + self.offsets
        return scores

    def say(self, vectors: Array, most: int, least: float) -> list[list[Said]]:
        """For each of N unit vectors [N, d] its `most` likeliest tags, those of a share below `least` left out."""
        shares = 1.0 / (1.0 + np.exp(-self.scores(vectors).astype(np.float64)))
        return [
            [
                Said(self.tags[tag], float(row[tag]))
                for tag in np.argsort(-row, kind="stable")[:most]
                if row[tag] >= least
            ]
            for row in shares
        ]

    def calibrated(self, slope: float, offset: float) -> "TagScores":
        """Scores that are `slope * score + offset`."""
        weights, offsets = slope * self.weights, slope * self.offsets + offset
        return TagScores(self.tags, weights.astype(np.float32), offsets.astype(np.float32))

    def arrays(self) -> dict[str, Array]:
        """What `of` reads back."""
        return {"weights": self.weights, "offsets": self.offsets}

    def facts(self) -> dict[str, Any]:
        """What `of` reads back, as JSON."""
        return {"tags": list(self.tags)}

    @classmethod
    def of(cls, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> "TagScores":
        """Inverse of `facts` and `arrays`."""
        return cls(tuple(facts["tags"]), arrays["weights"], arrays["offsets"])
