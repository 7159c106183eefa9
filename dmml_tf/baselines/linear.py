"""Linear metric learning on MFCC statistics, one linear map a condition.

Source: Slaney, Weinberger, White, ISMIR 2008, "Learning a metric for music similarity" (LDA, NCA and LMNN on
content features). A track is the mean and deviation of its 39 MFCC figures, z-scored.
"""

import warnings

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from dmml_tf.baselines.interface import ZScore, embed_tracks, mean_and_deviation
from dmml_tf.baselines.mahalanobis import fit_mahalanobis
from dmml_tf.baselines.mfcc_vq import mfcc_frames
from dmml_tf.conditions import Condition, Labels
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.evaluation.embed import Embedded
from dmml_tf.evaluation.triplets import sample_triplets
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.progress import progress

METHODS = ("lda", "nca", "mahalanobis")
_BINS = 8  # classes a value is cut into, equally filled
_TRIPLETS = 10_000


class Linear:
    """A linear map learned for one condition, compared by Euclidean distance.

    Args:
        condition: whose labels are learned; any kind but `same_track`.
        method: `lda` or `nca` (scikit-learn; a track with several tags is an example of each, a value is
            cut into 8 equally filled classes), or `mahalanobis` (triplets by the condition's own rule).
        seed: of the triplets and of NCA's sample.
        examples: at most that many are given to NCA, whose memory and time grow with their square.
    """

    def __init__(self, condition: Condition, method: str, seed: int = 0, examples: int = 2000):
        if method not in METHODS:
            raise UserError(f"linear baseline: unknown method '{method}'; known are: {', '.join(METHODS)}")
        if condition.kind == "same_track":
            raise UserError(f"linear baseline: condition '{condition.name}' compares windows of one track; it learns "
                            "from labels of tracks")
        self._condition, self._method, self._seed, self._examples = condition, method, seed, examples
        self._features = self._scale = self._map = None

    def fit(self, dataset: Dataset, split: str = "train") -> "Linear":
        """Learns the z-score and the map.

        Raises:
            UserError: as `read_tracks`, or if the split's labels do not tell apart any two tracks.
        """
        self._features = dataset.features
        vectors, rows = [], []
        for row in progress(read_tracks(dataset, split), dataset.tracks(split), self._method):
            vectors.append(mean_and_deviation(self._frames(row.pop("log_mel"))))
            rows.append(row)
        self._scale = ZScore(np.stack(vectors))
        self._map = self._learn(self._scale(np.stack(vectors)), label_arrays(dataset.schema, rows))
        return self

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [E] of one log-mel [frames, 128].

        Raises:
            UserError: if the map has not been learned.
        """
        return self._pool(self._frames(log_mel))

    def embed_split(self, dataset: Dataset, split: str, track_progress: bool = True) -> Embedded:
        """Whole tracks and their windows; see `embed_tracks`. Compare them as they are, not at unit length.

        Raises:
            UserError: as `read_tracks`, or if the map has not been learned.
        """
        return embed_tracks(self._frames, self._pool, dataset, split, self._method, track_progress)

    def _frames(self, log_mel: np.ndarray) -> np.ndarray:
        return mfcc_frames(log_mel, self._features or LogMel())

    def _pool(self, frames: np.ndarray) -> np.ndarray:
        if self._map is None:
            raise UserError("linear baseline has no map yet; call fit(dataset) first")
        return (self._scale(mean_and_deviation(frames)) @ self._map).astype(np.float32)

    def _learn(self, vectors: np.ndarray, labels: Labels) -> np.ndarray:
        """float [K, E]: vectors @ it are the embeddings, up to a shift that no distance sees."""
        if self._method == "mahalanobis":
            triplets = sample_triplets(self._condition, labels, _TRIPLETS, self._seed)
            if not len(triplets):
                raise UserError(f"condition '{self._condition.name}': the split holds no triplet to learn from")
            return fit_mahalanobis(vectors, triplets)
        rows, classes = classes_of(self._condition, labels)
        if len(np.unique(classes)) < 2:
            raise UserError(f"condition '{self._condition.name}': the split holds fewer than two classes to tell apart")
        if self._method == "lda":
            # Ledoit-Wolf shrinkage: there may be fewer tracks than features.
            learned = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(vectors[rows], classes)
            return learned.scalings_[:, : min(len(learned.classes_) - 1, vectors.shape[1])]
        return self._nca(vectors[rows], classes)

    def _nca(self, vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
        kept = np.random.default_rng([self._seed, 0x6E6361]).permutation(len(vectors))[: self._examples]
        learned = NeighborhoodComponentsAnalysis(init="identity", max_iter=50, random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            return learned.fit(vectors[kept], classes[kept]).components_.T


def classes_of(condition: Condition, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Labels as classes: (rows int [n] of the tracks, class int [n]), a track once for each of its tags.

    A value belongs to one of 8 equally filled bins. Unlabelled tracks do not appear.
    """
    column = labels[condition.column]
    if condition.kind == "shared_tag":
        rows, slots = np.nonzero(column >= 0)
        return rows, column[rows, slots]
    rows = np.flatnonzero(condition.labelled(labels))
    edges = np.quantile(column[rows], np.linspace(0, 1, _BINS + 1)[1:-1]) if len(rows) else []
    return rows, np.searchsorted(edges, column[rows], side="right")
