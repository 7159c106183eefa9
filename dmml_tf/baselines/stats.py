"""The simplest content features: mean and deviation of each mel band over time."""

import numpy as np

from dmml_tf.baselines.interface import ZScore, embed_tracks, filled_up, mean_and_deviation
from dmml_tf.data.records import read_tracks
from dmml_tf.embed.split import Embedded
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.program import progress


class Stats:
    """Mean and standard deviation of the log-mel, 2 x bands numbers, each z-scored over the train tracks."""

    def __init__(self) -> None:
        self._scale: ZScore | None = None
        self._features = PAPER_CHAIN

    def fit(self, dataset: Dataset, split: str = "train") -> "Stats":
        """Learns the z-score.

        Raises:
            UserError: as `read_tracks`.
        """
        self._features = dataset.features
        stream = progress(read_tracks(dataset, split), dataset.tracks(split), "stats")
        self._scale = ZScore(np.stack([mean_and_deviation(self._frames(row["log_mel"])) for row in stream]))
        return self

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [2 x bands] of one log-mel [frames, bands]."""
        return self._pool(self._frames(log_mel))

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Whole tracks and their windows; see `embed_tracks`.

        Raises:
            UserError: as `read_tracks`, or if the z-score has not been learned.
        """
        return embed_tracks(self._frames, self._pool, dataset, split, "stats")

    def _frames(self, log_mel: np.ndarray) -> np.ndarray:
        return filled_up(log_mel, self._features)

    def _pool(self, frames: np.ndarray) -> np.ndarray:
        if self._scale is None:
            raise UserError("stats has no z-score yet; call fit(dataset) first")
        return self._scale(mean_and_deviation(frames))
