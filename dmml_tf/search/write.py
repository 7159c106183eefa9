"""Writes an index whose vectors come block by block, so that a million songs need no more memory than a thousand."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import CODES_FILE
from dmml_tf.search.index import INDEX_FILE, LENGTHS_FILE, VECTORS_FILE, Index
from dmml_tf.search.recall import prepared
from dmml_tf.search.stretches import STRETCHES_FOLDER
from dmml_tf.search.track_table import TRACKS_FILE, write_tracks
from dmml_tf.spaces import length_shares, search_vectors, searches_whole
from tfrecords_tools.files import require_room

_TEXT = 500  # bytes of a row of the table, for the room that it needs


def write_index(
    folder: Path,
    conditions: Conditions,
    shape: tuple[int, int],
    tracks: Iterable[Mapping[str, str]],
    blocks: Iterable[tuple[Array, Array]],
    model: str,
) -> None:
    """Writes the files of an index into a folder that is there, all but its codes: the same as `Index.save`.

    Args:
        folder: where to.
        conditions: what the slices of a vector stand for.
        shape: N tracks, at least 1, of D numbers.
        tracks: N rows of metadata by ascending id, each with the same keys; read before the first block is.
        blocks: rows int [n] and their embeddings float32 [n, D], not normalised, each row once.
        model: SHA-256 of the network's weights.

    Raises:
        UserError: if the disk has no room for it.
    """
    (count, size), parts = shape, len(conditions.subspaces)
    require_room(folder, count * (4 * size + 4 * parts + _TEXT))
    write_tracks(folder / TRACKS_FILE, tracks)
    vectors = _mapped(folder / VECTORS_FILE, shape)
    shares = _mapped(folder / LENGTHS_FILE, (count, parts)) if searches_whole(conditions) else None
    for rows, embeddings in blocks:
        vectors[rows] = search_vectors(embeddings, conditions)
        if shares is not None:
            shares[rows] = length_shares(embeddings, conditions)
    vectors.flush()  # type: ignore[attr-defined]
    index = Index(vectors, conditions, range(count), model, shares)  # type: ignore[arg-type]
    index.write_header(folder / INDEX_FILE)


def add_stretches(folder: Path, index: Index) -> None:
    """Adds the stretches of an index to the files of its songs, which lie in the folder."""
    if index.stretches is not None:
        index.stretches.save(folder / STRETCHES_FOLDER)
        index.write_header(folder / INDEX_FILE)


def add_codes(folder: str | os.PathLike[str]) -> Index:
    """Adds to a large index, in its folder, what finds candidates (see `recall.prepared`), and gives it.

    Raises:
        UserError: if faiss is needed and not installed.
    """
    index = prepared(Index.load(folder))
    coded = [(Path(folder) / CODES_FILE, index.coarse)]
    if index.stretches is not None:
        coded.append((Path(folder) / STRETCHES_FOLDER / CODES_FILE, index.stretches.coarse))
    for path, codes in coded:
        if codes is not None:
            codes.save(path)
    index.write_header(Path(folder) / INDEX_FILE)
    return index


def _mapped(path: Path, shape: tuple[int, int]) -> Array:
    mapped: Array = np.lib.format.open_memmap(path, "w+", np.float32, shape)  # type: ignore[no-untyped-call]
    return mapped
