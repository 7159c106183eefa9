"""A trained run and its records -> the index of every track."""

import dataclasses
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.metadata import embedded_text
from dmml_tf.embed.parquet import EmbeddingsFile, read_embeddings
from dmml_tf.embed.sounds import FilesSource
from dmml_tf.embed.tracks import EmbedOptions, embed_tracks
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from dmml_tf.search.join_windows import LEAST_COSINE
from dmml_tf.search.stretches import Stretches
from dmml_tf.search.track_table import ID, TrackTable
from dmml_tf.search.write import add_codes, add_stretches, write_index
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import whole_folder
from tfrecords_tools.notes import counted
from tfrecords_tools.sources.folder import read_folder
from tfrecords_tools.sources.manifest_out import write_manifest
from tfrecords_tools.tables.manifest import read_manifest


def index_run(run: Run, dataset: Dataset, windows: bool = False) -> Index:
    """Embeds every split of `dataset` with the run's network and indexes the tracks; `windows` as `index_dataset`.

    Raises:
        UserError: if the run or the dataset cannot be read, or holds no track, or if masks were learned.
    """
    run.require_slices()
    return index_dataset(Embedder.of_run(run), run.conditions, dataset, run.weights_sha256(), windows)


def index_dataset(
    embedder: Embedder, conditions: Conditions, dataset: Dataset, model: str = "", windows: bool = False
) -> Index:
    """Embeds every split of `dataset` and indexes the tracks.

    Args:
        embedder: of the network.
        conditions: what the slices of its output stand for.
        dataset: what is indexed.
        model: SHA-256 of the network's weights; empty if they are in no file.
        windows: also keeps the songs' stretches, see `dmml_tf.search.stretches`.

    Raises:
        UserError: if the dataset cannot be read, or holds no track.
    """
    from dmml_tf.embed.split import embed_split  # here, so that a folder of music does not wait for TensorFlow

    splits = [split for split in dataset.splits if dataset.tracks(split)]
    embedded = {split: embed_split(embedder, dataset, split) for split in splits}
    rows = [row for split in splits for row in embedded_text(embedded[split], split, dataset.schema)]
    vectors = np.concatenate([embedded[split].vectors for split in splits]) if splits else np.zeros((0, 0), np.float32)
    index = Index.build(vectors, conditions, rows, model)
    if not windows:
        return index
    songs = (song for split in splits for song in embedded[split].songs())
    return with_stretches(index, songs, dataset.features)


def with_stretches(
    index: Index, songs: Iterable[tuple[str, Array]], features: LogMel, least_cosine: float = LEAST_COSINE
) -> Index:
    """The index, and with it the stretches of its songs.

    Args:
        index: of whole songs.
        songs: the id of each and its windows' embeddings float32 [W, E], side by side in time.
        features: the signal chain, which says how long a window is.
        least_cosine: see `dmml_tf.search.join_windows.join_windows`.
    """
    rows = ((index.position(track_id), windows) for track_id, windows in songs)
    seconds = features.window_frames / features.frames_per_second
    return dataclasses.replace(index, stretches=Stretches.build(rows, index.conditions, seconds, least_cosine))


def index_music(
    embedder: Embedder,
    conditions: Conditions,
    folder: str | os.PathLike[str],
    model: str = "",
    workers: int = 0,
    windows: bool = False,
) -> Index:
    """Embeds the audio files below a folder, at any depth, and indexes them by their path below it.

    What cannot be used, and what was odd, is counted on standard error.

    Args:
        embedder, conditions, model: as for `index_dataset`.
        folder: of audio files; titles and artists come from the files' own tags.
        workers: processes that decode, spawned ones; 0 takes one a core.
        windows: as for `index_dataset`.

    Raises:
        UserError: if it is no folder, or holds no audio file that can be used.
    """
    with tempfile.TemporaryDirectory() as temporary:
        table, out = Path(temporary, "songs.csv"), Path(temporary, "embeddings.parquet")
        listed = write_manifest(read_folder(folder), table, dimensions=()).notes
        source = FilesSource(read_manifest(table), embedder.signal, workers)
        embedded = embed_tracks(embedder, model, source, "", out, EmbedOptions(windows))
        notes = [*listed, *embedded.notes]
        if embedded.rejects:
            reason = f"{embedded.rejects[0].track_id}: {embedded.rejects[0].reason}"
            print(f"{len(embedded.rejects)} files could not be used, the first is {reason}", file=sys.stderr)
        if notes:
            kinds = counted(Counter(note.kind for note in notes))
            first = f"{notes[0].track_id}: {notes[0].what}; {notes[0].done}"
            print(f"noted: {kinds}, the first is {first}", file=sys.stderr)
        vectors, rows, _ = read_embeddings(out)
        index = Index.build(vectors, conditions, rows, model)
        if not windows:
            return index
        return with_stretches(index, _songs(EmbeddingsFile.open(out)), embedder.signal.features)


def index_embeddings(
    run: Run, path: str | os.PathLike[str], folder: str | os.PathLike[str], windows: bool = False
) -> Index:
    """Writes the index of a file that `dmml embed` wrote with this run's weights, a block in memory at a time.

    Args:
        run: made the vectors.
        path: of the file.
        folder: the index's; what it held before is kept until the new one is whole.
        windows: as for `index_dataset`; the stretches, unlike the songs, are in memory meanwhile.

    Raises:
        UserError: if it is no such file, was made by other weights, names a track twice or holds a number that is not
            finite, or if faiss is needed and not installed.
    """
    run.require_slices()
    file = EmbeddingsFile.open(path)
    if file.model != run.weights_sha256():
        raise UserError(
            f"{os.fspath(path)}: made by other weights than {run.folder} has; make it again with: "
            f"dmml embed --run {run.folder}"
        )
    # By id, as `Index.build`; Arrow compares bytes, which orders text as Python does.
    tracks = TrackTable({name: file.tracks[name].combine_chunks() for name in file.tracks.column_names})
    order = pc.sort_indices(tracks.columns[ID]).to_numpy()
    tracks = TrackTable({name: column.take(order) for name, column in tracks.columns.items()})
    if (twice := tracks.first_twice()) is not None:
        raise UserError(f"track id '{twice}' occurs twice; ids must differ across the splits")
    with whole_folder(Path(folder)) as temporary:
        shape = (len(tracks), file.size)
        write_index(temporary, run.conditions, shape, tracks, _placed(file, order), file.model)
        if windows:
            add_stretches(temporary, with_stretches(Index.load(temporary), _songs(file), run.features))
        add_codes(temporary)
    return Index.load(folder)


def _songs(file: EmbeddingsFile) -> Iterator[tuple[str, Array]]:
    return zip(file.tracks[ID].to_pylist(), file.windows())


def _placed(file: EmbeddingsFile, order: Array) -> Iterator[tuple[Array, Array]]:
    """The blocks of a file, and at which row of the index each vector belongs, int [n]."""
    rows, first = np.argsort(order), 0
    for block in file.blocks():
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            track_id = file.tracks["id"][first + int(np.argmin(finite))]
            raise UserError(f"the embedding of track '{track_id}' is not finite; train again")
        yield rows[first : first + len(block)], block
        first += len(block)
