"""MFCC-VQ, the paper's baseline: a song is how often each codeword of a k-means codebook occurs in it.

Source: Lee et al., ICASSP 2020, section 3.4, after McFee, Barrington, Lanckriet (TASLP 2012): 13 MFCC
with first and second derivatives, z-scored; k-means with K = 1024 on 2,500,000 frames; each frame to its
nearest codeword; normalised histograms; Euclidean distance.

The MFCC are computed from the records' mel magnitudes, so that the baseline needs no audio and sees
what the network sees: 128 mel bands of a 1024-sample magnitude spectrum.
"""

import warnings

import librosa
import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from dmml_tf.data.records import read_tracks
from dmml_tf.evaluation.embed import Embedded, TrackTable, windows_of
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.progress import progress

COEFFICIENTS = 13


def mfcc_frames(log_mel: np.ndarray, features: LogMel) -> np.ndarray:
    """13 MFCC, their deltas and their second deltas: float32 [frames, 39] of a track's log-mel [frames, 128].

    Agrees with `librosa.feature.mfcc(S=librosa.amplitude_to_db(mel))` and `librosa.feature.delta`. A
    track shorter than one window is filled up with silence first, as the network's windows are.
    """
    missing = max(features.window_frames - len(log_mel), 0)
    mel = features.mel_magnitude(np.pad(log_mel, ((0, missing), (0, 0)))).T
    mfcc = librosa.feature.mfcc(S=librosa.amplitude_to_db(np.maximum(mel, 0.0)), n_mfcc=COEFFICIENTS)
    deltas = [librosa.feature.delta(mfcc, order=order) for order in (1, 2)]
    return np.concatenate([mfcc, *deltas]).T.astype(np.float32)


class MfccVq:
    """The codebook, and the histograms it gives.

    Args:
        codewords: K. Fewer are made when fewer frames are drawn.
        frames: frames drawn for the codebook over all tracks; they are held in memory (156 bytes each).
        seed: of the draw and of k-means.
    """

    def __init__(self, codewords: int = 1024, frames: int = 2_500_000, seed: int = 0):
        self._codewords, self._frames, self._seed = codewords, frames, seed
        self._mean = self._deviation = self._kmeans = None

    def fit(self, dataset: Dataset, split: str = "train") -> "MfccVq":
        """Learns the z-score and the codebook.

        Each track gives the same number of frames, drawn without replacement (all it has, if that is
        less). One pass of mini-batch k-means (scikit-learn, k-means++ start) stands in for full k-means,
        which takes minutes at this size.

        Raises:
            UserError: as `read_tracks`.
        """
        rng = np.random.default_rng([self._seed, 0x6D666363])
        tracks = dataset.tracks(split)
        quota = -(-self._frames // max(tracks, 1))
        drawn = []
        for row in progress(read_tracks(dataset, split), tracks, "mfcc"):
            frames = mfcc_frames(row["log_mel"], dataset.features)
            drawn.append(rng.permutation(frames)[:quota])
        frames = np.concatenate(drawn)
        # In float64: the sum of millions of float32 loses digits.
        self._mean = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviation = frames.std(axis=0, dtype=np.float64).astype(np.float32)
        self._deviation = np.where(deviation > 1e-6, deviation, 1.0)
        self._kmeans = self._codebook((frames - self._mean) / self._deviation)
        return self

    def codes(self, frames: np.ndarray) -> np.ndarray:
        """int32 [F], the nearest codeword of each row of `mfcc_frames` [F, 39].

        Raises:
            UserError: if the codebook has not been learned.
        """
        if self._kmeans is None:
            raise UserError("MFCC-VQ has no codebook yet; call fit(dataset) first")
        return self._kmeans.predict((frames - self._mean) / self._deviation).astype(np.int32)

    def embed_split(self, dataset: Dataset, split: str, track_progress: bool = True) -> Embedded:
        """Histograms, normalised to sum 1, of whole tracks (all their frames) and of their 3 s windows.

        A window's frames keep the derivatives and the 80 dB range of their whole track, which can only
        help the baseline on track triplets.

        Returns:
            `Embedded` with E = K; its windows are those of `dmml_tf.evaluation.embed.embed_split`.

        Raises:
            UserError: as `read_tracks`, or if the codebook has not been learned.
        """
        length = dataset.features.window_frames
        rows, vectors, windows, tracks, starts = [], [], [], [], []
        stream = read_tracks(dataset, split)
        for number, row in enumerate(progress(stream, dataset.tracks(split), "mfcc-vq") if track_progress else stream):
            codes = self.codes(mfcc_frames(row["log_mel"], dataset.features))
            begins = windows_of(row.pop("log_mel"), length, length)
            rows.append(row)
            vectors.append(self._histogram(codes))
            windows.extend(self._histogram(codes[begin : begin + length]) for begin in begins)
            tracks.extend([number] * len(begins))
            starts.extend(begins)
        table = TrackTable.of(dataset, rows)
        return Embedded(table.ids, table.artists, table.titles, table.labels, np.stack(vectors), np.stack(windows),
                        np.array(tracks, np.int32), np.array(starts, np.int32))

    def _codebook(self, frames: np.ndarray) -> MiniBatchKMeans:
        kmeans = MiniBatchKMeans(
            n_clusters=min(self._codewords, len(frames)), batch_size=8192, max_iter=1, n_init=1,
            init_size=3 * min(self._codewords, len(frames)), random_state=self._seed,
        )
        with warnings.catch_warnings():
            # Silent or repeated frames can be fewer than the codewords; the spare ones stay unused.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return kmeans.fit(frames)

    def _histogram(self, codes: np.ndarray) -> np.ndarray:
        counts = np.bincount(codes, minlength=self._kmeans.n_clusters)
        return (counts / counts.sum()).astype(np.float32)
