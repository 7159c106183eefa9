"""The index of a library, made of its catalogue and its parts, one part in memory at a time."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dmml_tf.embed.metadata import LIBRARY_COLUMNS
from dmml_tf.library.catalogue import Catalogue
from dmml_tf.library.parts import Parts
from dmml_tf.run import Run
from dmml_tf.search.write import add_codes
from dmml_tf.search.write import write_index as write_index_files
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_folder
from tfrecords_tools.names import clean


def write_index(folder: Path, run: Run, catalogue: Catalogue, parts: Parts) -> int:
    """Writes the index of the files that have an id; returns their number. Without one there is no index.

    Raises:
        UserError: if the disk has no room for it.
    """
    count, conditions = catalogue.count_rows(), run.conditions
    if not count:
        return 0
    shape, places = (count, next(parts.vectors()).shape[1]), np.zeros(count, np.int64)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as temporary:
        tracks, blocks = _tracks(catalogue, parts, places), _blocks(parts, places)
        write_index_files(temporary, conditions, shape, tracks, blocks, run.weights_sha256())
        try:
            add_codes(temporary)
        except UserError as error:
            print(f"searches compare every song, which takes longer: {error}", file=sys.stderr)
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
