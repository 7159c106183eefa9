"""Tracks of a split -> embeddings of whole songs and of their 3 s windows, by a network or by any other system."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from dmml_tf.conditions import Labels
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.data.segments import Segments
from dmml_tf.data.signal import SOUND, Signal
from dmml_tf.embed.embedder import Embedder, mean_of_windows
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.program import progress

# Sounds -> of each, in order, the whole song's vector [E] and those of its windows [W, E].
Songs = Callable[[Iterable[Mapping]], Iterable[tuple[np.ndarray, np.ndarray]]]


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
        """Makes it of rows as `read_tracks` gives them; `log_mel` may be left out."""
        ids, artists, titles = ([row[field] for row in rows] for field in ("track_id", "artist", "title"))
        return cls(ids, artists, titles, label_arrays(dataset.schema, rows))


@dataclasses.dataclass(frozen=True)
class Embedded:
    """N tracks and their M windows as vectors of E numbers, by any system.

    Attributes:
        ids, artists, titles, labels: as in `TrackTable`.
        vectors: float32 [N, E], whole songs, not normalised.
        windows: float32 [M, E], the non-overlapping windows of track 0, then of track 1, and so on.
        window_track: int32 [M], which track a window is from.
        window_start: int32 [M], its first frame.
        segments: of the tracks, where the dataset has labels of segments.
    """

    ids: list[str]
    artists: list[str]
    titles: list[str]
    labels: Labels
    vectors: np.ndarray
    windows: np.ndarray
    window_track: np.ndarray
    window_start: np.ndarray
    segments: Segments | None = None

    def songs(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields each track's id and its windows float32 [W, E]."""
        bounds = np.searchsorted(self.window_track, np.arange(len(self.ids) + 1))
        return zip(self.ids, (self.windows[first:last] for first, last in itertools.pairwise(bounds)))


def label_rows(dataset: Dataset, split: str) -> list[dict]:
    """The rows of a split without their log-mels, as `read_tracks` gives them."""
    return [_without_sound(row) for row in read_tracks(dataset, split)]


def embed_split(
    embedder: Embedder,
    dataset: Dataset,
    split: str,
    track_progress: bool = True,
    limit: int | None = None,
    frames: int | None = None,
) -> Embedded:
    """Embeds every track of a split; one batch of windows is in memory at a time, whatever the split's size.

    Args:
        embedder: of the network; if it takes samples, the records must hold them.
        dataset, split: what to embed.
        track_progress: whether to report on standard error.
        limit: tracks at most, in the records' order.
        frames: of each track at most, from its start; None takes all.

    Raises:
        UserError: as `read_tracks`, and if the network takes samples and the records hold none.
    """

    def songs(sounds: Iterable[Mapping]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((mean_of_windows(windows), windows) for windows in embedder.each(sounds))

    return walk_split(songs, embedder.signal, dataset, split, "embed" if track_progress else "", limit, frames)


def walk_split(
    songs: Songs,
    signal: Signal,
    dataset: Dataset,
    split: str,
    name: str = "",
    limit: int | None = None,
    frames: int | None = None,
) -> Embedded:
    """Every track of a split under any system, whose windows are the network's: side by side, from the same frames.

    Args:
        songs: the system; it may read some tracks ahead, and gives W vectors for the W of `signal.starts`.
        signal: the form of the sound that the system takes.
        dataset, split: what to embed.
        name: for the line of progress on standard error; none if empty.
        limit: tracks at most, in the records' order.
        frames: of each track at most, from its start; None takes all.

    Raises:
        UserError: as `read_tracks`, and if the records do not hold the signal.
    """
    signal.require(dataset)
    rows: list[dict] = []
    starts: list[np.ndarray] = []

    def sounds() -> Iterator[Mapping]:
        stream = itertools.islice(read_tracks(dataset, split, optional=signal.optional), limit)
        for row in progress(stream, dataset.tracks(split), name) if name else stream:
            rows.append(_without_sound(row))
            if frames is not None:
                row = {**row, signal.field: signal.stretch(row, 0, frames)}
            starts.append(signal.starts(row))
            yield row

    vectors, windows = zip(*songs(sounds()))
    table = TrackTable.of(dataset, rows)
    return Embedded(
        table.ids,
        table.artists,
        table.titles,
        table.labels,
        np.stack(vectors),
        np.concatenate(windows),
        np.repeat(np.arange(len(rows), dtype=np.int32), [len(firsts) for firsts in starts]),
        np.concatenate(starts),
        Segments.of(dataset.schema, rows, table.labels, dataset.features) if dataset.schema.segmented else None,
    )


def _without_sound(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in SOUND}
