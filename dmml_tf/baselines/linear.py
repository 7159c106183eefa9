"""Linear metric learning on MFCC statistics, one linear map a condition.

Source: Slaney, Weinberger, White, ISMIR 2008, "Learning a metric for music similarity" (LDA, NCA and LMNN on
content features). A track is the mean and deviation of its 39 MFCC figures, z-scored.
"""

import dataclasses
import warnings

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from dmml_tf.baselines.mahalanobis import fit_mahalanobis
from dmml_tf.baselines.mfcc_stats import MfccStats
from dmml_tf.conditions import Condition, Labels
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.held_out import sample_triplets
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

METHODS = ("lda", "nca", "mahalanobis")
_TRIPLETS = 10_000
_NO_MAP = "linear baseline has no map yet; call fit(dataset) first"


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
        if condition.of_one_track:
            raise UserError(
                f"linear baseline: condition '{condition.name}' compares windows of one track; it learns "
                "from labels of tracks"
            )
        self._condition, self._method, self._seed, self._examples = condition, method, seed, examples
        self._statistics: MfccStats | None = None
        self._map: np.ndarray | None = None

    def fit(self, dataset: Dataset, split: str = "train", statistics: MfccStats | None = None) -> "Linear":
        """Learns the map.

        Args:
            dataset, split: what to learn from.
            statistics: fitted on that split already, where several maps share them; None fits them.

        Raises:
            UserError: as `read_tracks`, or if the split's labels do not tell apart any two tracks.
        """
        statistics = MfccStats().fit(dataset, split) if statistics is None else statistics
        self._map = self._learn(statistics.vectors, statistics.labels)
        self._statistics = statistics
        return self

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [E] of one log-mel [frames, 128].

        Raises:
            UserError: if the map has not been learned.
        """
        return self._mapped(self._fitted_statistics().embed(log_mel))

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Whole tracks and their windows; see `embed_tracks`. Compare them as they are, not at unit length.

        Raises:
            UserError: as `read_tracks`, or if the map has not been learned.
        """
        return self.see(self._fitted_statistics().embed_split(dataset, split))

    def see(self, statistics: Embedded) -> Embedded:
        """What `MfccStats.embed_split` of the same statistics gave, under the map.

        Raises:
            UserError: if the map has not been learned.
        """
        return dataclasses.replace(
            statistics, vectors=self._mapped(statistics.vectors), windows=self._mapped(statistics.windows)
        )

    def _mapped(self, vectors: np.ndarray) -> np.ndarray:
        if self._map is None:
            raise UserError(_NO_MAP)
        return (vectors @ self._map).astype(np.float32)

    def _fitted_statistics(self) -> MfccStats:
        if self._statistics is None:
            raise UserError(_NO_MAP)
        return self._statistics

    def _learn(self, vectors: np.ndarray, labels: Labels) -> np.ndarray:
        """float [K, E]: vectors @ it are the embeddings, up to a shift that no distance sees."""
        if self._method == "mahalanobis":
            triplets = sample_triplets(self._condition, labels, _TRIPLETS, self._seed)
            if not len(triplets):
                raise UserError(f"condition '{self._condition.name}': the split holds no triplet to learn from")
            return fit_mahalanobis(vectors, triplets)
        rows, classes = self._condition.classes(labels)
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
