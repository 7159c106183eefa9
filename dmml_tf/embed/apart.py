"""A part of a folder of embeddings that is made on another machine than the one that asks, whatever engine sent it.

A worker decodes in a process of its own, as one machine does, so that no file ends a run; it loads the network once,
whatever the number of its parts, and writes a part on its own disk before it copies it to where the folder is.
"""

import dataclasses
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parts import Parts
from dmml_tf.embed.sounds import FilesSource, Sound, Unusable, decoded
from dmml_tf.run import MODEL_FILE, Run
from tfrecords_tools.audio.extract import extract, patience
from tfrecords_tools.build.apart import copy_whole
from tfrecords_tools.build.pool import Crew
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.rows import Reject, Row

_loading = threading.Lock()


class Worker(Protocol):
    """What a part asks of the worker that it is made in."""

    @property
    def threads(self) -> int:
        """Threads of the network."""

    @property
    def folder(self) -> str | None:
        """A folder on the worker's own disk; None takes the system's."""

    def crew(self, function: Callable[[Any], Any], seconds: Callable[[Any], float]) -> Crew:
        """Processes that decode, and stay for the parts that come after."""

    def require_sight(self, paths: Iterable[str | os.PathLike]) -> None:
        """Raises a UserError that names the worker, if one of these files is not seen from here."""

    def require_wanted(self) -> None:
        """Ends the work if nobody waits for it any more."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What is the same for all parts.

    Attributes:
        parts: what is written.
        run: folder of the trained run.
        model: SHA-256 of its weights.
        batch: windows a call of the network.
        excerpts: see `tfrecords_tools.audio.extract.Task`.
    """

    parts: Parts
    run: Path
    model: str
    batch: int
    excerpts: int


@dataclasses.dataclass(frozen=True)
class PartJob:
    """One part.

    Attributes:
        number: of the part.
        rows: its items.
        paths: the path of a row -> the whole path of its file, of those that the machine sees which sends it.
    """

    number: int
    rows: Sequence[Row | Reject]
    paths: Mapping[str, str]


def work_of(parts: Parts, run: Run, source: FilesSource, batch: int) -> Work:
    """What workers in any working folder need."""
    there = dataclasses.replace(parts, folder=Path(os.path.abspath(parts.folder)))
    return Work(there, Path(os.path.abspath(run.folder)), run.weights_sha256(), batch, source.excerpts)


def jobs_of(parts: Parts, source: FilesSource, missing: Sequence[int]) -> Iterator[PartJob]:
    """Yields the parts of these numbers, in ascending order."""
    rows = source.rows(parts.wanted(missing))
    for number in missing:
        chosen = [next(rows) for _ in range(parts.items(number))]
        names = {row.path: os.path.abspath(row.path) for row in chosen if isinstance(row, Row)}
        yield PartJob(number, chosen, {name: path for name, path in names.items() if os.path.exists(path)})


def make_part(work: Work, job: PartJob, worker: Worker) -> int:
    """Makes one part, in a worker; returns the number of its items.

    Raises:
        UserError: if the worker does not see what the machine sees that sent it, or another run there.
    """
    parts = work.parts
    worker.require_sight([work.run / MODEL_FILE, parts.folder, *job.paths.values()])
    embedder = _embedder(work, worker.threads)
    sounds = decoded(job.rows, embedder.signal, worker.crew(extract, patience).map, work.excerpts, job.paths)
    with tempfile.TemporaryDirectory(prefix="dmml-", dir=worker.folder) as scratch:
        local = dataclasses.replace(parts, folder=Path(scratch))
        items = _while_wanted(sounds, worker)
        local.write(job.number, items, embedder)
        for _ in items:  # at their end the process stays for the next part
            pass
        # The note is last: it says that the part is there.
        copy_whole(local.file(job.number), parts.file(job.number))
        copy_whole(local.note(job.number), parts.note(job.number))
    return len(job.rows)


def _while_wanted(sounds: Iterator[Sound | Unusable], worker: Worker) -> Iterator[Sound | Unusable]:
    for sound in sounds:
        worker.require_wanted()
        yield sound


def _embedder(work: Work, threads: int) -> Embedder:
    # Each of a worker's threads asks for it at once when it starts.
    with _loading:
        return _load(work.run, work.model, work.batch, threads)


@functools.lru_cache(maxsize=1)
def _load(folder: Path, model: str, batch: int, threads: int) -> Embedder:
    run = Run.load(folder)
    if run.weights_sha256() != model:
        raise UserError(f"{folder}: a worker sees other weights there than the machine where the command runs")
    return Embedder.of_run(run, batch, threads)
