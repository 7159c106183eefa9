"""Embeddings on a cluster of `dask.distributed`: each task is a part, decoded and embedded by one worker.

    dmml embed --run=/share/run --manifest=/share/songs.csv --out=/share/vectors --runner=dask --scheduler=tcp://HOST:8786

`tfrecords_tools.build.cluster` says how a cluster is started. All its machines must see the audio, the run's folder and
`--out` under the same paths. What a worker does is in `dmml_tf.embed.apart`.
"""

import functools
from collections.abc import Generator, Sequence

from dmml_tf.embed.apart import PartJob, Work, jobs_of, make_part, work_of
from dmml_tf.embed.parts import Parts
from dmml_tf.embed.sounds import FilesSource
from dmml_tf.embed.tracks import Engine
from dmml_tf.run import Run
from tfrecords_tools.build.cluster import PACKAGE, InWorker, connected
from tfrecords_tools.build.dask import DECODERS

_NETWORKS = ("tensorflow", "keras", "ai-edge-litert")


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
    work = work_of(parts, run, source, batch)
    with connected(scheduler) as cluster:
        yield from cluster.results(_make, ((work, job) for job in jobs_of(parts, source, missing)))


def _make(job: tuple[Work, PartJob], worker: InWorker) -> int:
    return make_part(*job, worker)
