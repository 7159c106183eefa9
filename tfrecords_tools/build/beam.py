"""The build as an Apache Beam pipeline: the functions of the process pool, for who has outgrown one machine.

    rows of a shard -> extract and encode, wherever a worker is free -> group by shard -> sort by place -> write

What is planned, checked, listed and published is the same code as without Beam, so that the dataset has the same
bytes, `--resume` goes on with the shards that are whole, and either runner goes on with what the other began.

What all workers and the machine that starts the build must see under one path, which may be a network file system
or a mounted bucket: the audio, `--out` (rows and finished shards pass through `OUT/.build`) and, where madmom
estimates, `--tempo_cache`. Workers need this package and its dependencies. Each decodes to its own memory and
writes a shard on its own disk before it copies it to `--out`.

In memory: a thread that writes holds one shard's records (about 128 MiB), never a split; the engine keeps the
encoded records between the steps, on disk where it is a cluster. The DirectRunner keeps them in memory, all of a
build (some 0.35 MB for each 30 s): it is there to try things out. On one machine the process pool is faster: a
build of 60 wav clips of 30 s on two busy cores took Beam in memory 1.1 to 1.5 times as long, and with two processes 1.9
to 2.1 times.

    dmml-records build --manifest=/share/songs.csv --out=/share/songs --tempo_cache=/share/tempo --runner=beam
      this machine   --beam_args="--runner=DirectRunner --direct_running_mode=multi_processing --direct_num_workers=2"
      Apache Flink   --beam_args="--runner=FlinkRunner --flink_master=HOST:8081 --environment_type=EXTERNAL
                     --environment_config=localhost:50000 --parallelism=64"
      Apache Spark   --beam_args="--runner=SparkRunner --spark_master_url=spark://HOST:7077
                     --environment_type=EXTERNAL --environment_config=localhost:50000"
      Dataflow       --beam_args="--runner=DataflowRunner --project=PROJECT --region=REGION
                     --temp_location=gs://BUCKET/tmp --sdk_container_image=IMAGE --number_of_worker_harness_threads=1"

Flink and Spark: on each machine `python -m apache_beam.runners.worker.worker_pool_main --service_port=50000` serves
port 50000; the machine that starts needs Java, and Beam downloads its job server. Dataflow: needs `apache-beam[gcp]`
and an image with this package, in which the shared folder is mounted. Only the DirectRunner runs in the tests.
"""

import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import threadpoolctl

from tfrecords_tools.audio.extract import Task, extract
from tfrecords_tools.build.apart import anywhere, finished_apart, hand_over, read_handed, write_apart
from tfrecords_tools.build.beam_pipeline import pipeline_of, wait_for
from tfrecords_tools.build.build import Engine
from tfrecords_tools.build.plan import Plan, PlannedShard
from tfrecords_tools.build.records import Outcome, Written, finish_row, tag_ids, task_of
from tfrecords_tools.build.work_folder import FinishedShard, WorkFolder
from tfrecords_tools.features import LogMel
from tfrecords_tools.notes import RowNote
from tfrecords_tools.schema import Schema
from tfrecords_tools.stores.address import absolute, is_address
from tfrecords_tools.tables.rows import Reject, Row, Segment


def beam_engine(arguments: str = "") -> Engine:
    """An engine for `build_dataset`.

    Args:
        arguments: what Beam takes on a command line, such as `--runner=FlinkRunner --flink_master=HOST:8081`;
            empty takes the DirectRunner.

    Raises:
        UserError: if they cannot be read, hold an option that Beam does not know, or lack one.
    """
    return functools.partial(_run, pipeline_of(arguments))


def _run(
    pipeline: beam.Pipeline, shards: Sequence[PlannedShard], plan: Plan, work: WorkFolder, tempo_cache: str
) -> list[FinishedShard]:
    """The engine: makes the shards, and finds them in the shared folder."""
    out = absolute(work.place)
    for shard in shards:
        rows = work.folder / _rows_file(shard.file)
        _write_rows(rows, plan, shard, absolute(tempo_cache))
        if is_address(out):
            hand_over(rows, out)
    tracks = (
        pipeline
        | "Shards" >> beam.Create([shard.file for shard in shards])
        | "Read rows" >> beam.ParDo(_ReadRows(out))
        # Without it, the engine would extract a shard's tracks one after the other, where it read them.
        | "Spread" >> beam.Reshuffle()
        | "Extract" >> beam.ParDo(_Extract(plan.schema)).with_outputs("rejects", main="records")
    )
    (
        {"records": tracks.records, "rejects": tracks.rejects}
        | "Group by shard" >> beam.CoGroupByKey()
        | "Write" >> beam.ParDo(_Write(out, shards, plan.schema))
    )
    wait_for(pipeline, "--resume goes on with the shards that are whole")
    return finished_apart(work, shards, "the pipeline ended")


def _rows_file(file: str) -> str:
    return f"{file}.rows"


def _write_rows(path: Path, plan: Plan, shard: PlannedShard, tempo_cache: str) -> None:
    """One line of JSON a row: [row, task]. In ASCII, because a path may hold bytes that are no text."""
    with open(path, "w", encoding="ascii") as file:
        for row in plan.rows(shard):
            task = anywhere(task_of(row, plan, tempo_cache))
            file.write(json.dumps([dataclasses.asdict(row), dataclasses.asdict(task)]) + "\n")


# Between the steps go strings, numbers and bytes alone, which Beam encodes without Python's pickle.


class _ReadRows(beam.DoFn):
    """Shard's file name -> (file name, place, JSON) of each of its rows."""

    def __init__(self, out: str):
        self._out = out

    def process(self, element: str) -> Iterator[tuple[str, int, str]]:
        for place, line in enumerate(read_handed(self._out, _rows_file(element)).decode("ascii").splitlines()):
            yield element, place, line


class _Extract(beam.DoFn):
    """A row -> (file name, (place, odd, record, cells, seconds, estimated, digest)) or (.., (place, odd, reject)).

    What is odd, notes and segments that are left out, is JSON, as are the cells, of the track and of its segments, and
    the reject. The second kind goes to the output `rejects`.
    """

    def __init__(self, schema: Schema):
        self._schema = schema
        self._written = beam.metrics.Metrics.counter("dmml", "tracks")
        self._refused = beam.metrics.Metrics.counter("dmml", "rejected")

    def setup(self) -> None:
        self._ids = tag_ids(self._schema)
        # As in the process pool: the engine has a worker for each core, and the sums are added in one order.
        self._limits = threadpoolctl.threadpool_limits(1)

    def process(self, element: tuple[str, int, str]) -> Iterator[Any]:
        file, place, line = element
        row, task = json.loads(line)
        task["features"] = LogMel(**task["features"])
        row["segments"] = tuple(Segment(**segment) for segment in row["segments"])
        outcome = finish_row(Row(**row), extract(Task(**task)), self._schema, self._ids)
        track, beside = outcome.track, (outcome.notes, outcome.rejects)
        odd = json.dumps([[dataclasses.astuple(item) for item in items] for items in beside])
        if isinstance(track, Reject):
            self._refused.inc()
            yield beam.pvalue.TaggedOutput("rejects", (file, (place, odd, json.dumps(dataclasses.astuple(track)))))
        else:
            self._written.inc()
            cells = json.dumps([track.cells, track.segments])
            yield file, (place, odd, track.record, cells, track.seconds, track.tempo_estimated, track.digest)

    def teardown(self) -> None:
        self._limits.restore_original_limits()


class _Write(beam.DoFn):
    """(file name, what came of its rows) -> the shard, its table and its note in the build's folder."""

    def __init__(self, out: str, shards: Sequence[PlannedShard], schema: Schema):
        self._out, self._schema = out, schema
        self._shards = {shard.file: shard for shard in shards}

    def process(self, element: tuple[str, dict[str, Any]]) -> None:
        file, groups = element
        tracks = sorted([*groups["records"], *groups["rejects"]], key=lambda track: track[0])
        if [track[0] for track in tracks] != list(range(self._shards[file].count)):
            raise RuntimeError(f"{file}: {len(tracks)} tracks of {self._shards[file].count} came through the pipeline")
        write_apart(self._out, self._shards[file], self._schema, map(_outcome, tracks))


def _outcome(cells: tuple) -> Outcome:
    _, odd, *track = cells
    notes, rejects = json.loads(odd)
    beside = (tuple(RowNote(*note) for note in notes), tuple(Reject(*reject) for reject in rejects))
    if len(track) == 1:
        return Outcome(Reject(*json.loads(track[0])), *beside)
    record, tables, seconds, estimated, digest = track
    of_track, of_segments = json.loads(tables)
    return Outcome(Written(record, tuple(of_track), seconds, estimated, digest, of_segments), *beside)
