"""Embeddings on a cluster of `dask.distributed`: each task is a part, decoded and embedded by one worker.

    dmml embed --run=/share/run --manifest=/share/songs.csv --out=/share/vectors --runner=dask --scheduler=tcp://HOST:8786

`tfrecords_tools.build.cluster` says how a cluster is started. All its machines must see the audio, the run's folder and
`--out` under the same paths. A worker loads the network once, whatever the number of its tasks; it decodes in a process
of its own, as one machine does, so that no file ends a run.
"""

import dataclasses
import functools
import os
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parts import Parts
from dmml_tf.embed.sounds import FilesSource, Sound, Unusable, decoded
from dmml_tf.embed.tracks import Engine
from dmml_tf.run import MODEL_FILE, Run
from tfrecords_tools.audio.extract import extract, patience
from tfrecords_tools.build.apart import copy_whole
from tfrecords_tools.build.cluster import PACKAGE, InWorker, connected
from tfrecords_tools.build.dask import DECODERS
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.manifest import Reject, Row

_NETWORKS = ("tensorflow", "keras", "ai-edge-litert")
_loading = threading.Lock()


@dataclasses.dataclass(frozen=True)
class PartJob:
    """One part, as it is sent to a worker.

    Attributes:
        parts, number: what is written.
        run: folder of the trained run.
        model: SHA-256 of its weights.
        batch: windows a call of the network.
        excerpts: see `tfrecords_tools.audio.extract.Task`.
        rows: of the part's items.
        paths: the path of a row -> the whole path of its file, of those that the machine sees which sends it.
    """

    parts: Parts
    number: int
    run: Path
    model: str
    batch: int
    excerpts: int
    rows: Sequence[Row | Reject]
    paths: Mapping[str, str]


def dask_engine(scheduler: str, run: Run, source: FilesSource, batch: int) -> Engine:
    """An engine for `embed_tracks`.

    Args:
        scheduler: its address, such as `tcp://HOST:8786`.
        run: whose network embeds.
        source: the files; the same that `embed_tracks` is given.
        batch: windows a call of the network.

    Raises:
        UserError: if none answers there, it has no workers, or these have other versions of what decides the numbers.
    """
    with connected(scheduler) as cluster:
        cluster.require_versions((PACKAGE, *DECODERS, *_NETWORKS))
    return functools.partial(_run, scheduler, run, source, batch)


def _run(
    scheduler: str, run: Run, source: FilesSource, batch: int, parts: Parts, missing: Sequence[int]
) -> Generator[int, None, None]:
    folder, model = Path(os.path.abspath(run.folder)), run.weights_sha256()
    there = dataclasses.replace(parts, folder=Path(os.path.abspath(parts.folder)))
    rows = source.rows(parts.wanted(missing))

    def job(number: int) -> PartJob:
        chosen = [next(rows) for _ in range(parts.items(number))]
        names = {row.path: os.path.abspath(row.path) for row in chosen if isinstance(row, Row)}
        paths = {name: path for name, path in names.items() if os.path.exists(path)}
        return PartJob(there, number, folder, model, batch, source.excerpts, chosen, paths)

    with connected(scheduler) as cluster:
        yield from cluster.results(make_part, map(job, missing))


def make_part(job: PartJob, worker: InWorker) -> int:
    """Makes one part, in a worker; returns the number of its items.

    Raises:
        UserError: if the worker does not see what the machine sees that sent it, or another run there.
    """
    worker.require_sight([job.run / MODEL_FILE, job.parts.folder, *job.paths.values()])
    embedder = _embedder(job, worker.threads)
    sounds = decoded(job.rows, embedder.signal, worker.crew(extract, patience).map, job.excerpts, job.paths)
    with tempfile.TemporaryDirectory(prefix="dmml-", dir=worker.folder) as scratch:
        local = dataclasses.replace(job.parts, folder=Path(scratch))
        items = _while_wanted(sounds, worker)
        local.write(job.number, items, embedder)
        for _ in items:  # at their end the process stays for the next part
            pass
        # The note is last: it says that the part is there.
        copy_whole(local.file(job.number), job.parts.file(job.number))
        copy_whole(local.note(job.number), job.parts.note(job.number))
    return len(job.rows)


def _while_wanted(sounds: Iterator[Sound | Unusable], worker: InWorker) -> Iterator[Sound | Unusable]:
    for sound in sounds:
        worker.require_wanted()
        yield sound


def _embedder(job: PartJob, threads: int) -> Embedder:
    # Each of a worker's threads asks for it at once when it starts.
    with _loading:
        return _load(job.run, job.model, job.batch, threads)


@functools.lru_cache(maxsize=1)
def _load(folder: Path, model: str, batch: int, threads: int) -> Embedder:
    run = Run.load(folder)
    if run.weights_sha256() != model:
        raise UserError(f"{folder}: a worker sees other weights there than the machine where the command runs")
    return Embedder.of_run(run, batch, threads)
