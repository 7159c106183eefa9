"""How long a library of made songs takes to load, to search, and to draw paths and playlists from, and its memory."""

import dataclasses
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from tabulate import tabulate

from dmml_tf.benchmarks.search import made_index
from dmml_tf.library.path import song_path
from dmml_tf.library.playlist import Taste, make_playlist
from dmml_tf.search.coarse import Coarse
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import INDEX_FOLDER, Index, Query
from dmml_tf.search.nearest import EXACT_UP_TO
from dmml_tf.search.query import by_tracks
from dmml_tf.search.rules import Rules
from dmml_tf.search.track_table import TrackTable

SONGS_AN_ARTIST, SONGS_AN_ALBUM = 25, 10
_YEARS, _SECONDS = (1950, 2025), (60, 600)
_CANDIDATES = 2000
_MIB = 2**20
Figure = tuple[str, float, float, float, float, float]


def made_library(count: int, seed: int = 0) -> Index:
    """An index of made songs with the columns of a library: 25 songs an artist, 10 an album, in folders."""
    rng, rows = np.random.default_rng([seed, count, 1]), np.arange(count)
    artists, albums = rows // SONGS_AN_ARTIST, rows // SONGS_AN_ALBUM
    columns = {
        "id": [f"Artist {a:06d}/Album {b:06d}/{row:08d}.flac" for row, a, b in zip(rows, artists, albums)],
        "title": [f"Song {row}" for row in rows],
        "artist": [f"Artist {a:06d}" for a in artists],
        "split": [""] * count,
        "album": [f"Album {b:06d}" for b in albums],
        "year": [str(year) for year in rng.integers(*_YEARS, count)],
        "seconds": [f"{seconds:.1f}" for seconds in rng.uniform(*_SECONDS, count)],
    }
    table = TrackTable({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    # Clusters are drawn for each song by itself, so that an artist's songs are not alike: limits have work to do.
    return dataclasses.replace(made_index(count, seed), tracks=table)


def bench_library(count: int, repeats: int = 5, seed: int = 0) -> str:
    """Makes such a library in a temporary folder, and measures in a new process what its users wait for.

    Raises:
        UserError: if faiss is needed and not installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / INDEX_FOLDER
        start = time.perf_counter()
        index = _with_codes(made_library(count, seed), seed)
        index.save(folder)
        made = time.perf_counter() - start
        codes = "every vector compared" if index.coarse is None else f"{index.coarse.candidates:,} candidates compared"
        del index
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures = pool.apply(measure_library, (os.fspath(folder), repeats, seed))
    header = ["", "first, ms", "median, ms", "CPU, ms", "own MiB", "resident MiB"]
    return "\n".join(
        [
            f"{count:,} made songs, {codes}; made and written in {made:.0f} s",
            tabulate(figures, header, floatfmt=",.0f", tablefmt="github"),
            "own memory holds what was read of the vectors' file, which the system takes back; CPU of all threads; on "
            f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}",
        ]
    )


def _with_codes(index: Index, seed: int) -> Index:
    # How many candidates a wanted recall needs is asked by `dmml bench search`, and takes longer than all of this.
    if len(index.tracks) <= EXACT_UP_TO:
        return index
    codes = Coarse.build(index.vectors, index.lengths, index.owner, _CANDIDATES, seed)
    return dataclasses.replace(index, coarse=codes)


def measure_library(folder: str, repeats: int, seed: int) -> list[Figure]:
    """What is done, milliseconds of the first time and medians of all and of its CPU, own and resident MiB after it."""
    figures = [_timed("load", iter([lambda: Index.load(folder)]))]
    index, rng = Index.load(folder), np.random.default_rng(seed)

    def queries() -> Iterator[Query]:
        while True:
            yield by_tracks(index, [index.table.cell(int(rng.integers(len(index.tracks))), "id")])

    asked = queries()

    def searches(rules: Rules) -> Iterator[Callable[[], object]]:
        for query in (next(asked) for _ in range(repeats)):
            yield lambda query=query: index.search(query, {"genre": 1.0, "tempo": 0.5}, 20, rules)  # type: ignore[misc]

    def filtered(*texts: str) -> Rules:
        return Rules([parse_filter(text) for text in texts])

    figures += [
        _timed(name, searches(rules))
        for name, rules in {
            "search, 20 results": Rules(),
            "artist!=, year=1990..1999": filtered("artist!=Artist 000003", "year=1990..1999"),
            "path!=Artist 0001*": filtered("path!=Artist 0001*"),
            "seconds=120..300": filtered("seconds=120..300"),
            "not its artist, not its album": Rules(not_its_artist=True, not_its_album=True),
            "1 an artist, 1 an album": Rules(most_per_artist=1, most_per_album=1),
            "vary=0.2": Rules(vary=0.2),
        }.items()
    ]
    for steps in (10, 30):
        for name, rules in (("", Rules()), (", 1 an artist", Rules(most_per_artist=1))):
            paths = (lambda: song_path(index, next(asked), next(asked), steps, rules=rules) for _ in range(repeats))  # noqa: B023
            figures.append(_timed(f"path of {steps} steps{name}", paths))
    rules = Rules(most_per_artist=2)
    lists = (lambda: make_playlist(index, Taste([next(asked)]), 50, rules=rules) for _ in range(repeats))
    figures.append(_timed("playlist of 50 songs, 2 an artist", lists))
    hour = (lambda: make_playlist(index, Taste([next(asked), next(asked)]), None, 60) for _ in range(repeats))
    return [*figures, _timed("playlist of 60 minutes, 2 seeds", hour)]


def _timed(what: str, calls: Iterator[Callable[[], object]]) -> Figure:
    times, cpu = [], []
    for call in calls:
        start, worked = time.perf_counter(), time.process_time()
        call()
        times.append(1e3 * (time.perf_counter() - start))
        cpu.append(1e3 * (time.process_time() - worked))
    memory = psutil.Process().memory_full_info()
    return what, times[0], float(np.median(times)), float(np.median(cpu)), memory.uss / _MIB, memory.rss / _MIB
