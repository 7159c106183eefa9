"""The index of a library, made of its catalogue and its parts, one part in memory at a time."""

import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.embed.metadata import LIBRARY_COLUMNS
from dmml_tf.library.catalogue import Catalogue
from dmml_tf.library.parts import Parts
from dmml_tf.run import Run
from dmml_tf.search import index as names
from dmml_tf.search.index import Index
from dmml_tf.search.recall import prepared
from dmml_tf.search.track_table import TRACKS_FILE, write_tracks
from dmml_tf.spaces import WHOLE, length_shares, search_vectors
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, whole_folder
from tfrecords_tools.names import clean

_TEXT = 500  # bytes of a row of the table, for the room that it needs


def write_index(folder: Path, run: Run, catalogue: Catalogue, parts: Parts) -> int:
    """Writes the index of the files that have an id; returns their number. Without one there is no index.

    Raises:
        UserError: if the disk has no room for it.
    """
    count, conditions = catalogue.count_rows(), run.conditions
    if not count:
        return 0
    size = next(parts.vectors()).shape[1]
    searchable = bool(conditions.subspaces) and WHOLE not in conditions.subspaces
    folder.parent.mkdir(parents=True, exist_ok=True)
    require_room(folder.parent, count * (4 * size + 4 * len(conditions.subspaces) + _TEXT))
    with whole_folder(folder) as temporary:
        places = np.zeros(count, np.int64)
        write_tracks(temporary / TRACKS_FILE, _tracks(catalogue, parts, places))
        vectors = _mapped(temporary / names.VECTORS_FILE, (count, size))
        shares = _mapped(temporary / names.LENGTHS_FILE, (count, len(conditions.subspaces))) if searchable else None
        for rows, embeddings in _blocks(parts, places):
            vectors[rows] = search_vectors(embeddings, conditions)
            if shares is not None:
                shares[rows] = length_shares(embeddings, conditions)
        vectors.flush()
        index = Index(vectors, conditions, range(count), run.weights_sha256(), shares)  # type: ignore[arg-type]
        index.write_header(temporary / names.INDEX_FILE)
        del vectors, shares, index
        _add_codes(temporary)
    return count


def _tracks(catalogue: Catalogue, parts: Parts, places: np.ndarray) -> Iterator[dict[str, str]]:
    """The rows of the table, by id; notes in `places` (int [N]) where the vector of each is."""
    for number, (track_id, path, title, artist, album, year, content) in enumerate(catalogue.rows()):
        places[number] = place = parts.places[content]
        title = title or clean(Path(os.path.basename(path)).stem)
        seconds = f"{parts.seconds[place]:.1f}"
        yield dict(zip(LIBRARY_COLUMNS, (track_id, title, artist, "", album, year, seconds)))


def _blocks(parts: Parts, places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of the index, int [n], and their embeddings, float32 [n, E], part by part."""
    order = np.argsort(places, kind="stable")
    first = 0
    for embeddings in parts.vectors():
        begin, end = np.searchsorted(places, [first, first + len(embeddings)], sorter=order)
        rows = np.sort(order[begin:end])
        if len(rows):
            yield rows, embeddings[places[rows] - first]
        first += len(embeddings)


def _mapped(path: Path, shape: Sequence[int]) -> np.memmap:
    return np.lib.format.open_memmap(path, "w+", np.float32, tuple(shape))


def _add_codes(folder: Path) -> None:
    """Adds to a large index what finds candidates; without the package for it every vector is compared."""
    index = Index.load(folder)
    try:
        index = prepared(index)
    except UserError as error:
        print(f"searches compare every song, which takes longer: {error}", file=sys.stderr)
        return
    if index.coarse is not None:
        index.coarse.save(folder / names.CODES_FILE)
        dataclasses.replace(index).write_header(folder / names.INDEX_FILE)
