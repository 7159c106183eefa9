"""Tracks of a split -> embeddings of whole songs and of their 3 s windows.

Source: Lee et al., ICASSP 2020, section 3.3: a whole song is the mean over time of the embeddings of
its non-overlapping 3 s windows.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Labels
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.data.signal import SOUND, signal_for
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.program import progress


@dataclasses.dataclass(frozen=True)
class TrackTable:
    """What is known of N tracks without their sound, in the order of the records.

    Attributes:
        ids, artists, titles: N strings each.
        labels: label columns of the tracks.
    """

    ids: list[str]
    artists: list[str]
    titles: list[str]
    labels: Labels

    @classmethod
    def of(cls, dataset: Dataset, rows: list[dict]) -> "TrackTable":
        """From rows as `read_tracks` gives them; `log_mel` may be left out."""
        columns = ([row[field] for row in rows] for field in ("track_id", "artist", "title"))
        return cls(*columns, label_arrays(dataset.schema, rows))


@dataclasses.dataclass(frozen=True)
class Embedded:
    """N tracks and their M windows as vectors of E numbers, by any system.

    Attributes:
        ids, artists, titles, labels: as in `TrackTable`.
        vectors: float32 [N, E], whole songs, not normalised.
        windows: float32 [M, E], the non-overlapping windows of track 0, then of track 1, and so on.
        window_track: int32 [M], which track a window is from.
        window_start: int32 [M], its first frame.
    """

    ids: list[str]
    artists: list[str]
    titles: list[str]
    labels: Labels
    vectors: np.ndarray
    windows: np.ndarray
    window_track: np.ndarray
    window_start: np.ndarray


def windows_of(log_mel: Sequence, window_frames: int, hop: int) -> np.ndarray:
    """First frames, int32 [W], of the windows that lie whole in `log_mel` [frames, ...]; `hop` in frames.

    The windows of a network that takes samples begin at the same frames, so that both are scored on the same ones.

    What is left at the end is dropped, but a track shorter than one window has the window at 0, which
    `cut_window` fills up with zeros (silence): every track has a vector.
    """
    return np.arange(0, max(len(log_mel) - window_frames, 0) + 1, hop, dtype=np.int32)


def label_rows(dataset: Dataset, split: str) -> list[dict]:
    """The rows of a split without their log-mels, as `read_tracks` gives them."""
    return [_without_sound(row) for row in read_tracks(dataset, split)]


def embed_split(
    embedding: keras.Model,
    dataset: Dataset,
    split: str,
    batch_size: int = 64,
    track_progress: bool = True,
    call: Callable | None = None,
    limit: int | None = None,
) -> Embedded:
    """Embeds every track of a split.

    Streaming: one batch of windows is in memory at a time, whatever the split's size. Batches run on
    across tracks and the last is filled up with zeros, so the network sees one shape and is traced once.

    Args:
        embedding: log-mel float32 [batch, window_frames, bands], or samples float32 [batch, 66150] (then the
            records must hold them) -> float32 [batch, E], used as at inference.
        dataset, split: what to embed.
        batch_size: windows a call.
        track_progress: whether to report on standard error.
        call: `inference(embedding)`, for who embeds more than once.
        limit: tracks at most, in the records' order.

    Returns:
        `Embedded`.

    Raises:
        UserError: as `read_tracks`, and if the network takes samples and the records hold none.
    """
    frames = dataset.features.window_frames
    signal = signal_for(embedding)
    signal.require(dataset)
    rows, tracks, starts = [], [], []

    def windows() -> Iterator[np.ndarray]:
        stream = itertools.islice(read_tracks(dataset, split, optional=signal.optional), limit)
        for number, row in enumerate(progress(stream, dataset.tracks(split), "embed") if track_progress else stream):
            rows.append(_without_sound(row))
            for start in windows_of(row["log_mel"], frames, frames):
                tracks.append(number)
                starts.append(start)
                yield signal.cut(row, start)

    vectors = np.concatenate(list(_in_batches(call or inference(embedding), windows(), batch_size)))
    table = TrackTable.of(dataset, rows)
    tracks = np.array(tracks, np.int32)
    return Embedded(
        table.ids,
        table.artists,
        table.titles,
        table.labels,
        mean_by_track(vectors, tracks, len(rows)),
        vectors,
        tracks,
        np.array(starts, np.int32),
    )


def mean_by_track(windows: np.ndarray, window_track: np.ndarray, tracks: int) -> np.ndarray:
    """float32 [tracks, E]: the mean of each track's windows [M, E]; zeros for a track that has none."""
    sums = np.zeros((tracks, windows.shape[1]), np.float64)
    np.add.at(sums, window_track, windows)
    counts = np.bincount(window_track, minlength=tracks)
    return (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)


def inference(embedding: keras.Model) -> Callable:
    """The network as it is used, traced once for each shape of a batch."""
    return tf.function(lambda batch: embedding(batch, training=False), jit_compile=False)


def _in_batches(call: Callable, windows: Iterable[np.ndarray], batch_size: int) -> Iterator[np.ndarray]:
    batch, filled = None, 0
    for window in windows:
        if batch is None:
            batch = np.zeros((batch_size, *window.shape), np.float32)
        batch[filled] = window
        filled += 1
        if filled == batch_size:
            yield call(tf.constant(batch)).numpy()
            filled = 0
    if filled:
        batch[filled:] = 0.0
        yield call(tf.constant(batch)).numpy()[:filled]


def _without_sound(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in SOUND}
