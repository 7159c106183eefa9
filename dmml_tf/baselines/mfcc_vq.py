"""MFCC-VQ, the paper's baseline: a song is how often each codeword of a k-means codebook occurs in it.

Source: Lee et al., ICASSP 2020, section 3.4, after McFee, Barrington, Lanckriet (TASLP 2012): 13 MFCC
with first and second derivatives, z-scored; k-means with K = 1024 on 2,500,000 frames; each frame to its
nearest codeword; normalised histograms; Euclidean distance. McFee's own form counts the nearest tau = 8
codewords, and takes the square root and a PCA of the histograms: both are options.

The MFCC are computed from the records' mel magnitudes, so that the baseline needs no audio and sees
what the network sees: 128 mel bands of a 1024-sample magnitude spectrum.
"""

import warnings

import numpy as np
from scipy import fft, signal
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from dmml_tf.baselines.interface import embed_tracks, filled_up
from dmml_tf.data.records import read_tracks
from dmml_tf.embed.split import Embedded
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.program import progress

COEFFICIENTS = 13
_LEAST_POWER, _RANGE_DB = 1e-10, 80.0  # librosa's
_DELTA_FRAMES = 9  # frames that a derivative is fitted to, librosa's
_CHUNK = 4096  # frames whose distances to all codewords are in memory at a time


def mfcc_frames(log_mel: np.ndarray, features: LogMel) -> np.ndarray:
    """13 MFCC, their deltas and their second deltas: float32 [frames, 39] of a track's log-mel [frames, 128].

    Equals `librosa.feature.mfcc(S=librosa.amplitude_to_db(mel))` and `librosa.feature.delta`. A
    track shorter than one window is filled up with silence first, as the network's windows are.
    """
    # By SciPy, as librosa does it: in a fresh environment the first import of librosa.feature compiles for 20 s.
    mel = features.mel_magnitude(filled_up(log_mel, features)).T
    decibels = 10.0 * np.log10(np.maximum(_LEAST_POWER, np.square(np.maximum(mel, 0.0))))
    decibels = np.maximum(decibels, decibels.max() - _RANGE_DB)
    mfcc = fft.dct(decibels, type=2, norm="ortho", axis=0)[:COEFFICIENTS]
    deltas = [
        signal.savgol_filter(mfcc, _DELTA_FRAMES, polyorder=order, deriv=order, axis=1, mode="interp")
        for order in (1, 2)
    ]
    return np.concatenate([mfcc, *deltas]).T.astype(np.float32)


class MfccVq:
    """The codebook, and the histograms it gives.

    Args:
        codewords: K. Fewer are made when fewer frames are drawn.
        frames: frames drawn for the codebook over all tracks; they are held in memory (156 bytes each).
        seed: of the draw and of k-means.
        tau: codewords a frame counts for, each with 1 / tau (McFee: 8; the paper: 1).
        variance: McFee's form: the square root of each histogram, then as many principal components of the
            train tracks' as hold that share of their variance (0.95); those tracks' histograms are held in
            memory for it. None keeps the histograms.
    """

    def __init__(
        self, codewords: int = 1024, frames: int = 2_500_000, seed: int = 0, tau: int = 1, variance: float | None = None
    ):
        if tau < 1 or not 0.0 < (0.5 if variance is None else variance) < 1.0:
            raise UserError(f"MFCC-VQ with tau {tau}, variance {variance}: tau must be at least 1, variance in 0..1")
        self._codewords, self._frames, self._seed, self._tau, self._variance = codewords, frames, seed, tau, variance
        self._features = PAPER_CHAIN
        self._mean = self._deviation = np.zeros(0, np.float32)
        self._kmeans: MiniBatchKMeans | None = None
        self._components: PCA | None = None
        self._bins = 0  # codewords that there are

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
        self._bins = min(self._codewords, len(frames))
        self._features = dataset.features
        if self._variance is not None:
            stream = progress(read_tracks(dataset, split), tracks, "histograms")
            histograms = [self._histogram(self._codes_of(row["log_mel"])) for row in stream]
            self._components = PCA(self._variance, random_state=self._seed).fit(np.sqrt(histograms))
        return self

    def codes(self, frames: np.ndarray) -> np.ndarray:
        """int32 [F], the nearest codeword of each row of `mfcc_frames` [F, 39]; [F, tau] the nearest tau.

        Raises:
            UserError: if the codebook has not been learned.
        """
        if self._kmeans is None:
            raise UserError("MFCC-VQ has no codebook yet; call fit(dataset) first")
        scaled = (frames - self._mean) / self._deviation
        if self._tau == 1:
            return self._kmeans.predict(scaled).astype(np.int32)
        tau, transform = min(self._tau, self._bins), self._kmeans.transform
        parts = (transform(scaled[begin : begin + _CHUNK]) for begin in range(0, len(scaled), _CHUNK))
        return np.concatenate([np.argsort(part, axis=1, kind="stable")[:, :tau] for part in parts]).astype(np.int32)

    def embed(self, log_mel: np.ndarray) -> np.ndarray:
        """float32 [E] of one log-mel [frames, 128], such as a judged clip's.

        Raises:
            UserError: if the codebook has not been learned.
        """
        return self._vector(self._codes_of(log_mel))

    def embed_split(self, dataset: Dataset, split: str) -> Embedded:
        """Histograms, normalised to sum 1, of whole tracks (all their frames) and of their 3 s windows.

        A window's frames keep the derivatives and the 80 dB range of their whole track, which can only
        help the baseline on track triplets.

        Returns:
            `Embedded` with E = K, or the number of components; its windows are those of
            `dmml_tf.embed.split.embed_split`.

        Raises:
            UserError: as `read_tracks`, or if the codebook has not been learned.
        """
        return embed_tracks(self._codes_of, self._vector, dataset, split, "mfcc-vq")

    def _codes_of(self, log_mel: np.ndarray) -> np.ndarray:
        return self.codes(mfcc_frames(log_mel, self._features))

    def _vector(self, codes: np.ndarray) -> np.ndarray:
        histogram = self._histogram(codes)
        if self._components is None:
            return histogram
        return self._components.transform(np.sqrt(histogram)[None])[0].astype(np.float32)

    def _codebook(self, frames: np.ndarray) -> MiniBatchKMeans:
        kmeans = MiniBatchKMeans(
            n_clusters=min(self._codewords, len(frames)),
            batch_size=8192,
            max_iter=1,
            n_init=1,
            init_size=3 * min(self._codewords, len(frames)),
            random_state=self._seed,
        )
        with warnings.catch_warnings():
            # Silent or repeated frames can be fewer than the codewords; the spare ones stay unused.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return kmeans.fit(frames)

    def _histogram(self, codes: np.ndarray) -> np.ndarray:
        counts = np.bincount(codes.reshape(-1), minlength=self._bins)
        return (counts / counts.sum()).astype(np.float32)
