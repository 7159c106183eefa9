"""The floor: vectors that know nothing of similarity."""

import hashlib

import numpy as np

from dmml_tf.baselines.interface import embed_tracks
from dmml_tf.embed.split import Embedded
from tfrecords_tools.dataset import Dataset


class Chance:
    """A normal vector for each sound, drawn from a hash of its bytes: similar sounds share nothing.

    Args:
        size: numbers E of a vector.
        seed: other seeds, other vectors.
    """

    def __init__(self, size: int = 256, seed: int = 0):
        self._size, self._seed = size, seed

    def fit(self, dataset: Dataset, split: str = "train") -> "Chance":
        """Learns nothing."""
        return self

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [E]; the same sound always has the same vector."""
        digest = hashlib.sha256(np.ascontiguousarray(log_mel).tobytes()).digest()
        rng = np.random.default_rng([self._seed, int.from_bytes(digest[:8], "little")])
        return rng.normal(size=self._size).astype(np.float32)

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Whole tracks and their windows; see `embed_tracks`."""
        return embed_tracks(lambda log_mel: log_mel, self.embed, dataset, split, "chance")
