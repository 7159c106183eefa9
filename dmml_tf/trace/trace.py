"""A song through time: overlapping 3 s windows, and how each sub-space changes along them."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.embed.audio import read_sound
from dmml_tf.embed.embedder import Embedder
from dmml_tf.search.index import Index
from dmml_tf.spaces import WHOLE, search_vectors
from dmml_tf.trace.novelty import KERNEL, THRESHOLD, boundaries, flat_path, novelty, self_similarity
from tfrecords_tools.errors import UserError

MAX_WINDOWS = 4096  # the self-similarity of each sub-space has that many rows: 64 MiB
NEIGHBOURS = 5  # tracks of the index that vote on a window's label


@dataclasses.dataclass(frozen=True, eq=False)
class Trace:
    """W windows of one song.

    Attributes:
        name: of the audio file.
        seconds: length of what was read of it.
        hop: seconds from one window to the next.
        vectors: float32 [W, D], each sub-space at unit length.
        conditions: what the slices stand for.
        window_seconds: length of a window.
    """

    name: str
    seconds: float
    hop: float
    vectors: np.ndarray
    conditions: Conditions
    window_seconds: float

    @property
    def times(self) -> np.ndarray:
        """float64 [W], seconds at the middle of each window."""
        return np.arange(len(self.vectors)) * self.hop + self.window_seconds / 2

    @property
    def subspaces(self) -> dict[str, np.ndarray]:
        """Condition -> float32 [W, d]; the whole embedding where no condition owns a slice."""
        slices = self.conditions.subspaces or {WHOLE: slice(None)}
        return {name: self.vectors[:, part] for name, part in slices.items()}

    def novelty(self, name: str, kernel: int = KERNEL) -> np.ndarray:
        """float64 [W], see `dmml_tf.trace.novelty.novelty`."""
        return novelty(self_similarity(self.subspaces[name]), kernel)

    def boundaries(self, name: str, threshold: float = THRESHOLD, kernel: int = KERNEL) -> np.ndarray:
        """Seconds, float64 [n], at which a sub-space changes: midway between two windows' middles."""
        return self.times[boundaries(self.novelty(name, kernel), threshold, kernel)] - self.hop / 2


def trace_audio(
    path: str | os.PathLike,
    embedder: Embedder,
    conditions: Conditions,
    hop: float = 0.5,
    max_seconds: float = 1200.0,
) -> Trace:
    """Embeds the overlapping windows of a file.

    Args:
        path: an audio file of at least 3 s.
        embedder: of the run's network.
        conditions: of the run.
        hop: seconds from window to window, rounded to whole frames.
        max_seconds: at most that much of the file is read.

    Raises:
        UserError: if the file cannot be used, or its windows would be more than 4,096.
    """
    sound, seconds = read_sound(path, embedder.signal, max_seconds)
    step = hop_frames(hop, embedder)
    count = len(embedder.signal.starts(sound, step))
    if count > MAX_WINDOWS:
        raise UserError(
            f"{os.fspath(path)}: {count} windows, at most {MAX_WINDOWS} are compared; give a --hop "
            f"of {hop * count / MAX_WINDOWS:.1f} or more, or a smaller --max_seconds"
        )
    return trace_windows(Path(path).name, seconds, embedder.windows(sound, step), embedder, conditions, hop)


def hop_frames(hop: float, embedder: Embedder) -> int:
    """Whole frames, at least one, from one window to the next that are `hop` seconds apart."""
    return max(1, round(hop * embedder.signal.features.frames_per_second))


def trace_windows(
    name: str, seconds: float, windows: np.ndarray, embedder: Embedder, conditions: Conditions, hop: float
) -> Trace:
    """The trace of a song whose windows are embedded.

    Args:
        name, seconds: of the song.
        windows: float32 [W, E], `hop_frames` apart.
        embedder: that made them.
        conditions: of the run.
        hop: seconds from window to window, rounded to whole frames.
    """
    rate = embedder.signal.features.frames_per_second
    vectors, length = search_vectors(windows, conditions), embedder.signal.features.window_frames / rate
    return Trace(name, seconds, hop_frames(hop, embedder) / rate, vectors, conditions, length)


def nearest_labels(trace: Trace, index: Index, condition: Condition) -> list[str]:
    """Labels each window as the index's tracks nearest in the condition's sub-space are labelled.

    Tags: each of the 5 nearest labelled tracks votes for all of its tags; of equal ones the nearest track's.
    Values: the median of the 5. Empty where the index has no label of this condition.
    """
    known = [row for row, track in enumerate(index.tracks) if track.get(condition.column)]
    if not known:
        return [""] * len(trace.vectors)
    labels = [index.tracks[row][condition.column] for row in known]
    cosines = trace.subspaces[condition.name] @ index.vectors[known, index.slices[condition.name]].T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
    return [condition.vote([labels[k] for k in row]) for row in nearest]


def describe(trace: Trace, index: Index | None = None) -> dict:
    """Gives plain data for JSON: times, and per sub-space trajectory, novelty, boundaries, nearest labels."""

    def of(name: str, vectors: np.ndarray) -> dict:
        subspace = {
            "trajectory": np.round(flat_path(vectors), 5).tolist(),
            "novelty": np.round(trace.novelty(name), 5).tolist(),
            "boundaries": np.round(trace.boundaries(name), 3).tolist(),
        }
        if index is not None and name in trace.conditions.subspaces:
            condition = trace.conditions[trace.conditions.index(name)]
            subspace["nearest"] = nearest_labels(trace, index, condition)
        return subspace

    return {
        "audio": trace.name,
        "seconds": round(trace.seconds, 3),
        "hop": trace.hop,
        "window_seconds": trace.window_seconds,
        "kernel": KERNEL,
        "threshold": THRESHOLD,
        "times": np.round(trace.times, 3).tolist(),
        "subspaces": {name: of(name, vectors) for name, vectors in trace.subspaces.items()},
    }
