"""Mean and deviation of a track's MFCC over time: the content features that linear metrics are learned on."""

import numpy as np

from dmml_tf.baselines.interface import ZScore, embed_tracks, mean_and_deviation
from dmml_tf.baselines.mfcc_vq import COEFFICIENTS, mfcc_frames
from dmml_tf.conditions import Labels
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.embed.split import Embedded
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.program import progress


class MfccStats:
    """Mean and deviation of 13 MFCC, deviation of their derivatives: 52 numbers, z-scored over the train tracks.

    The derivatives are the first and the second. Their means are left out: a derivative's sum is only what lies
    between the last frame and the first, which says nothing of a song and is ten times as large over 3 s as
    over 30 s.

    Attributes:
        vectors: float32 [N, 52] of the split it was fitted on; [0, 52] before.
        labels: label columns of those tracks.
    """

    def __init__(self) -> None:
        self.vectors = np.zeros((0, 4 * COEFFICIENTS), np.float32)
        self.labels: Labels = {}
        self._features = PAPER_CHAIN
        self._scale: ZScore | None = None

    def fit(self, dataset: Dataset, split: str = "train") -> "MfccStats":
        """Learns the z-score, and keeps the split's vectors and labels for who learns from them.

        Raises:
            UserError: as `read_tracks`.
        """
        self._features = dataset.features
        vectors: list[np.ndarray] = []
        rows: list[dict] = []
        for row in progress(read_tracks(dataset, split), dataset.tracks(split), "mfcc statistics"):
            vectors.append(_statistics(self._frames(row.pop("log_mel"))))
            rows.append(row)
        self._scale = ZScore(np.stack(vectors))
        self.vectors, self.labels = self._scale(np.stack(vectors)), label_arrays(dataset.schema, rows)
        return self

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [52] of one log-mel [frames, 128].

        Raises:
            UserError: if the z-score has not been learned.
        """
        return self._pool(self._frames(log_mel))

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Whole tracks and their windows; see `embed_tracks`. Compare them as they are, not at unit length.

        Raises:
            UserError: as `read_tracks`, or if the z-score has not been learned.
        """
        return embed_tracks(self._frames, self._pool, dataset, split, "mfcc statistics")

    def _frames(self, log_mel: np.ndarray) -> np.ndarray:
        return mfcc_frames(log_mel, self._features)

    def _pool(self, frames: np.ndarray) -> np.ndarray:
        if self._scale is None:
            raise UserError("MFCC statistics have no z-score yet; call fit(dataset) first")
        return self._scale(_statistics(frames))


def _statistics(frames: np.ndarray) -> np.ndarray:
    """float32 [52] of rows [F, 39]: the 13 MFCC first, then their derivatives."""
    means, deviations = np.split(mean_and_deviation(frames), 2)
    return np.concatenate([means[:COEFFICIENTS], deviations])
