"""The same recording twice: other file, other bit rate, other cut. Finds them, and deletes nothing.

Songs that are near in every sub-space are candidates; each is decoded once, and two are the same recording where their
log-mels can be laid over one another (`same_recording`).
"""

import contextlib
import dataclasses
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from dmml_tf.conditions.labels import Array
from dmml_tf.library.candidates import candidate_pairs
from dmml_tf.library.copies import Copy, best_first, groups_json, groups_table
from dmml_tf.library.same_recording import BANDS, CHAIN, SAME, Alignment, align, sound_print
from dmml_tf.search.index import Index
from tfrecords_tools.audio.decode import seconds_of
from tfrecords_tools.audio.extract import Extracted, Task, extract, patience
from tfrecords_tools.build.pool import ordered_map
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

# Low on purpose: what lets too much through costs time, what lets too little through is never found.
COSINE = 0.9
NEIGHBOURS = 20
# Of a longer file the beginning is compared.
MOST_SECONDS = 600.0

Link = tuple[int, int, Alignment]  # two rows of an index, and how their files lie over one another


class Unheard(NamedTuple):
    """A song that could not be compared, and why."""

    track_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """What was found; printed, it is a block of lines a recording.

    Attributes:
        groups: files that hold one recording, two or more; in each the one that seems best comes first.
        unheard: songs that should have been compared, and could not be decoded.
        compared: songs that were.
        gap: the highest similarity of two files that are not called one, and the lowest of two that are; where there
            are none, 0 and 1. The further apart they are, the less hangs on where the border was drawn.
    """

    groups: Sequence[Sequence[Copy]]
    unheard: Sequence[Unheard]
    compared: int
    gap: tuple[float, float] = (0.0, 1.0)

    def __str__(self) -> str:
        files = sum(map(len, self.groups))
        said = f"{len(self.groups)} recordings are there more than once, in {files} files; {self.compared} compared"
        if self.compared:
            said += f", none of them with a similarity between {self.gap[0]:.2f} and {self.gap[1]:.2f}"
        notes = [f"not compared: {song.track_id}: {song.reason}" for song in self.unheard]
        return "\n".join(filter(None, [groups_table(self.groups), *notes, said]))

    def to_json(self) -> dict[str, Any]:
        """`groups` (see `copies.groups_json`), `unheard` ({"id", "reason"}), `compared` and `gap`."""
        unheard = [{"id": song.track_id, "reason": song.reason} for song in self.unheard]
        return {"groups": groups_json(self.groups), "unheard": unheard, "compared": self.compared, "gap": self.gap}


def find_duplicates(
    index: Index,
    sound: Callable[[str], Path],
    *,
    cosine: float = COSINE,
    similarity: float = SAME,
    neighbours: int = NEIGHBOURS,
    workers: int = 0,
) -> Duplicates:
    """Finds the recordings that are in a library more than once.

    In memory are two files' prints and the pairs; on disk, while it works, 690 bytes of each second that is compared.

    Args:
        index: the songs' vectors.
        sound: track id -> its file; may raise `UserError`.
        cosine: the least in each sub-space, for two songs to be compared.
        similarity: from which on they are the same recording; see `same_recording.Alignment`.
        neighbours: songs at most that one is compared with.
        workers: processes that decode, spawned ones; 0 takes one a core.

    Raises:
        UserError: if faiss is needed, above 100,000 songs, and not installed.
    """
    pairs = candidate_pairs(index, cosine, neighbours)
    ids = {row: index.tracks[row]["id"] for row in np.unique(pairs).tolist()}
    with tempfile.TemporaryFile() as spool:
        prints = _Prints(spool)
        files, unheard = _hear(ids, sound, prints, workers)
        links = list(_links(pairs, prints, similarity))
    alike = [alignment.similarity for _, _, alignment in links]
    gap = (
        max((found for found in alike if found < similarity), default=0.0),
        min((found for found in alike if found >= similarity), default=1.0),
    )
    groups = _groups((link for link in links if link[2].similarity >= similarity), files)
    return Duplicates(groups, unheard, len(files), gap)


class _Prints:
    """The prints of any number of files in one file of their bytes."""

    def __init__(self, spool: IO[bytes]):
        self._spool, self._places = spool, dict[int, tuple[int, int]]()

    def add(self, row: int, rows: Array) -> None:
        self._places[row] = (self._spool.seek(0, os.SEEK_END), rows.size)
        self._spool.write(rows.tobytes())

    def __contains__(self, row: int) -> bool:
        return row in self._places

    def __getitem__(self, row: int) -> Array:
        place, size = self._places[row]
        self._spool.seek(place)
        return np.frombuffer(self._spool.read(size), np.uint8).reshape(-1, BANDS)


def _hear(
    ids: Mapping[int, str], sound: Callable[[str], Path], prints: _Prints, workers: int
) -> tuple[dict[int, Copy], list[Unheard]]:
    """Adds the print of each song; returns the files of those that have one, and the songs that cannot be heard."""
    paths, files = dict[int, Path](), dict[int, Copy]()
    unheard: list[Unheard] = []
    for row, track_id in ids.items():
        try:
            paths[row] = sound(track_id)
        except UserError as error:
            unheard.append(Unheard(track_id, str(error)))
    tasks = (Task(str(path), max_seconds=MOST_SECONDS, features=CHAIN) for path in paths.values())
    with contextlib.closing(ordered_map(extract, tasks, workers, patience)) as results:
        for row, result in zip(paths, progress(results, len(paths), "hear") if paths else ()):
            if not isinstance(result, Extracted):
                unheard.append(Unheard(ids[row], f"{paths[row]}: {result.reason}"))
                continue
            prints.add(row, sound_print(result.log_mel))
            files[row] = _copy(ids[row], paths[row], result.duration)
    return files, unheard


def _links(pairs: Array, prints: _Prints, similarity: float) -> Iterator[Link]:
    """Lays the pairs over one another, but for those that others already join to one recording."""
    known = DisjointSet(np.unique(pairs).tolist())
    for a, b in progress(pairs.tolist(), label="compare") if len(pairs) else ():
        if a in prints and b in prints and not known.connected(a, b):
            alignment = align(prints[a], prints[b])
            if alignment.similarity >= similarity:
                known.merge(a, b)
            yield a, b, alignment


def _groups(links: Iterable[Link], files: Mapping[int, Copy]) -> list[list[Copy]]:
    """The trees that the links make, each with its best file first and all else told from there; by id."""
    beside: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    for a, b, (alike, offset) in links:
        beside[a].append((b, alike, offset))
        beside[b].append((a, alike, -offset))
    groups, rest = [], set(beside)
    while rest:
        root = min(rest)
        rows = [row for row, _, _ in _walk(root, beside)]
        rest.difference_update(rows)
        by_id = {files[row].track_id: row for row in rows}
        best, *_ = best_first(files[row] for row in rows)
        told = {
            row: dataclasses.replace(files[row], begins=begins, similarity=alike)
            for row, alike, begins in _walk(by_id[best.track_id], beside)
        }
        groups.append(best_first(told.values()))
    return groups


def _walk(root: int, beside: Mapping[int, Sequence[tuple[int, float, float]]]) -> Iterator[tuple[int, float, float]]:
    """Each row of a tree with its similarity to the one before it, and where it begins as seen from the root."""
    waiting, seen = [(root, 1.0, 0.0)], {root}
    while waiting:
        row, alike, begins = waiting.pop()
        yield row, alike, begins
        for other, similarity, offset in beside[row]:
            if other not in seen:
                seen.add(other)
                waiting.append((other, similarity, begins + offset))


def _copy(track_id: str, path: Path, seconds: float) -> Copy:
    if seconds > MOST_SECONDS - 1:  # of which no more was heard
        seconds = seconds_of(path) or seconds
    return Copy(track_id, path, seconds, path.stat().st_size if path.exists() else 0)
