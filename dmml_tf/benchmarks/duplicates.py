"""How many of made copies are found, and whether different songs are called one."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.benchmarks.copies import COPIES, write_copy
from dmml_tf.embed.embedder import Embedder
from dmml_tf.library.duplicates import COSINE, Duplicates, find_duplicates
from dmml_tf.library.same_recording import SAME
from dmml_tf.run import Run
from dmml_tf.search.build import index_music
from dmml_tf.search.index import Index
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

_SONG = "song"  # the kind of the file that copies are made of
Pair = tuple[str, str]  # two ids, in order


def bench_duplicates(
    run: Run,
    paths: Mapping[str, str],
    copied: int | None = None,
    cosine: float = COSINE,
    similarity: float = SAME,
    seed: int = 0,
    workers: int = 0,
) -> dict[str, Any]:
    """Makes copies of songs in a temporary folder, indexes all of it, and looks for what is there twice.

    Args:
        run: with sub-spaces that are slices.
        paths: id -> audio file, all of them different recordings.
        copied: songs that have copies, drawn with `seed`; None copies all. The others are there once.
        cosine, similarity: see `find_duplicates`.
        seed: of the songs.
        workers: processes that decode; 0 takes one a core.

    Returns:
        "songs", "copied", "files", "compared", "unheard"; "pairs", "found", "right": of two files of one recording, of
        files called one, of both; "recall", "precision"; "songs_called_one": pairs of different songs' ids;
        "candidates": share of the pairs that the embedding lets through; "recall_by_kind": of pairs with such a copy;
        "cosines": kind -> the least in any sub-space between a song and its copy.

    Raises:
        UserError: if there are fewer than two songs, PyAV does not write MP3, or a song cannot be read.
    """
    run.require_slices()
    if len(paths) < 2:
        raise UserError(f"{len(paths)} songs to find copies among; two at least are needed")
    songs = list(paths)
    chosen = sorted(np.random.default_rng(seed).permutation(len(songs))[:copied].tolist())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, [paths[song] for song in songs], chosen)
        index = index_music(Embedder.of_run(run), run.conditions, folder, run.weights_sha256(), workers)
        found = find_duplicates(
            index, lambda track_id: folder / track_id, cosine=cosine, similarity=similarity, workers=workers
        )
    called = {pair for group in found.groups for pair in _pairs(copy.track_id for copy in group)}
    return {
        "songs": len(songs),
        "copied": len(chosen),
        "seed": seed,
        "cosine": cosine,
        "similarity": similarity,
        **_figures(index, called, songs),
        **_found(found),
    }
