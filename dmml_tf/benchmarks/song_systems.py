"""Systems that are compared on whole songs: a run's sub-spaces, MFCC-VQ, musicnn's features, Musly.

Each says how far apart any two of the same songs are; a system of windows also where each 3 s window lies. Musly
(https://www.musly.org, MPL-2.0) is no dependency: `pip install pymusly`.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial.distance import cdist

from dmml_tf.baselines.interface import ZScore
from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.embed.audio import read_sound
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.views import Views
from dmml_tf.heads.songs import Heard
from dmml_tf.models.musicnn import FRAMES, HOP, SAMPLE_RATE
from dmml_tf.run import Run
from dmml_tf.spaces import WHOLE, unit
from tfrecords_tools.audio.decode import mono_blocks
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import progress

MUSLY_METHODS = ("timbre", "mandelellis")
_MUSLY_RATE = 22_050  # Hz, what it takes


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """One system on N songs with M windows.

    Attributes:
        name: of its row.
        songs: "whole", and each sub-space that it has -> float [N, N], how far apart two songs are.
        windows: float [M, E], compared by their Euclidean distances; None for a system of whole songs only.
    """

    name: str
    songs: Mapping[str, np.ndarray]
    windows: np.ndarray | None = None


def song_vectors(windows: np.ndarray, song: np.ndarray) -> np.ndarray:
    """Whole songs: the mean of their windows' vectors at unit length, itself at unit length.

    Args:
        windows: float [M, E].
        song: int [M], 0 .. N - 1 in rising order, each of them at least once.

    Returns:
        float64 [N, E].
    """
    starts = np.flatnonzero(np.diff(song, prepend=-1))
    sums = np.add.reduceat(unit(windows.astype(np.float64)), starts, axis=0)
    return unit(sums)


def run_systems(run: Run, embedded: Embedded) -> list[System]:
    """A run twice: by each condition's own sub-space, and by the whole embedding for all."""
    views = Views.of_conditions(run.conditions, embedded.windows.shape[1], run.norm_order, run.masks)

    def songs(mask: np.ndarray | None) -> np.ndarray:
        vectors = song_vectors(views.space(embedded.windows, mask), embedded.window_track)
        return cdist(vectors, vectors)

    whole = songs(None)
    own = {name: songs(mask) for name, mask in views.subspaces.items()}
    windows = unit(embedded.windows)
    return [
        System(f"{run.name}, own sub-spaces", {WHOLE: whole, **own}, windows),
        System(f"{run.name}, whole", {WHOLE: whole}, windows),
    ]


def embed_files(run: Run, like: Embedded, paths: Mapping[str, str]) -> Embedded:
    """The same songs and windows by a run that the records do not fit, from the audio files.

    Args:
        run: of another signal chain, or on samples.
        like: the songs and their windows.
        paths: track id -> audio file.

    Raises:
        UserError: if a file cannot be read, or has fewer windows than its record.
    """
    embedder = Embedder.of_run(run)
    counts = np.bincount(like.window_track, minlength=len(like.ids))
    ids = progress(like.ids, len(like.ids), f"embed by {run.name}")
    vectors = embedder.each(read_sound(path_of(paths, track), embedder.signal)[0] for track in ids)
    windows = []
    for track, count, found in zip(like.ids, counts, vectors):
        if len(found) < count:
            raise UserError(f"{paths[track]}: {len(found)} windows, its record has {count}; build the records again")
        windows.append(found[:count])
    joined = np.concatenate(windows)
    return dataclasses.replace(like, windows=joined, vectors=np.stack([found.mean(axis=0) for found in windows]))


def path_of(paths: Mapping[str, str], track: str) -> str:
    """The audio file of a track.

    Raises:
        UserError: if the table names none.
    """
    if track not in paths:
        raise UserError(f"tracks.csv names no audio file of '{track}'; build the records again")
    return paths[track]


def mfcc_vq(dataset: Dataset, split: str, kept: np.ndarray, seed: int) -> System:
    """Histograms of MFCC codewords, of whole songs and of windows, as they are.

    Args:
        dataset: holds `train`, for the codebook, and `split`.
        split: which songs.
        kept: bool [all songs of the split], which are compared.
        seed: of the codebook.
    """
    embedded = keep_songs(MfccVq(seed=seed).fit(dataset).embed_split(dataset, split), kept)
    return System("MFCC-VQ", {WHOLE: cdist(embedded.vectors, embedded.vectors)}, embedded.windows)


def keep_songs(embedded: Embedded, kept: np.ndarray) -> Embedded:
    """Only the songs of bool [N], numbered anew, and their windows."""
    windows = kept[embedded.window_track]
    number = np.cumsum(kept, dtype=np.int32) - 1
    labels = {name: column[kept] for name, column in embedded.labels.items()}
    labels["track"] = np.arange(kept.sum(), dtype=np.int32)
    ids, artists, titles = (
        [value for value, keep in zip(column, kept) if keep]
        for column in (embedded.ids, embedded.artists, embedded.titles)
    )
    return Embedded(
        ids,
        artists,
        titles,
        labels,
        embedded.vectors[kept],
        embedded.windows[windows],
        number[embedded.window_track[windows]],
        embedded.window_start[windows],
    )


def musicnn_systems(heard: Heard, like: Embedded, train: Sequence[str], features: LogMel) -> list[System]:
    """musicnn's 400 features, as they are and by their mean and deviation over the windows of the train songs.

    Its windows are a little shorter than ours: of each of ours that one is taken which its middle lies in.

    Args:
        heard: holds the songs of `like`.
        like: the songs and their windows.
        train: ids of the train songs; those that `heard` lacks are passed over. Without any there is no second system.
        features: the signal chain, whose frames `window_start` counts.
    """
    systems = [_musicnn("musicnn, 400 features", heard.features, heard, like, features)]
    rows = [heard.of(track) for track in train if heard.count(track)]
    if rows:
        scaled = ZScore(np.concatenate(rows))(heard.features)
        systems.append(_musicnn("musicnn, 400 features, standardised", scaled, heard, like, features))
    return systems


def _musicnn(name: str, vectors: np.ndarray, heard: Heard, like: Embedded, features: LogMel) -> System:
    places = [heard.rows(track) for track in like.ids]
    songs = song_vectors(
        np.concatenate([vectors[begin:end] for begin, end in places]),
        np.repeat(np.arange(len(places)), [end - begin for begin, end in places]),
    )
    middle = (like.window_start + features.window_frames / 2) / features.frames_per_second
    begin, end = (np.array(edge)[like.window_track] for edge in zip(*places))
    nearest = np.minimum(begin + (middle * SAMPLE_RATE / HOP / FRAMES).astype(int), end - 1)
    return System(name, {WHOLE: cdist(songs, songs)}, unit(vectors[nearest]))


def musly(method: str, like: Embedded, paths: Mapping[str, str]) -> System:
    """Musly on whole songs, by its own similarity, for which all of them are its reference.

    Args:
        method: of `MUSLY_METHODS`.
        like: the songs.
        paths: track id -> audio file.

    Raises:
        UserError: if it is not installed, or a file cannot be read.
    """
    try:
        import pymusly
    except ImportError:
        raise UserError("Musly is not installed; install it with: pip install pymusly") from None
    jukebox = pymusly.MuslyJukebox(method, "none")
    tracks = [
        jukebox.track_from_audiodata(np.concatenate([*mono_blocks(path_of(paths, track), _MUSLY_RATE)]))
        for track in progress(like.ids, len(like.ids), f"musly {method}")
    ]
    jukebox.set_style(tracks)
    known = list(zip(jukebox.add_tracks(tracks), tracks))
    return System(f"Musly, {method}", {WHOLE: np.array([jukebox.compute_similarity(one, known) for one in known])})
