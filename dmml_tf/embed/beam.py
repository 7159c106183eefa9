"""Embeddings as an Apache Beam pipeline: each element is the number of a part, which one worker decodes and embeds.

    dmml embed --run=/share/run --manifest=/share/songs.csv --out=/share/vectors --runner=beam --beam_args="..."

`tfrecords_tools.build.beam` has the arguments of each engine. All machines must see the audio, the run's folder and
`--out` under the same paths. While the pipeline runs, the rows of its parts lie in a hidden folder of `--out`; a worker
whose rows are gone ends, since nobody waits for it. What a worker does is in `dmml_tf.embed.apart`.
"""

import dataclasses
import functools
import json
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from dmml_tf.embed.apart import PartJob, Work, jobs_of, make_part, work_of
from dmml_tf.embed.parts import Parts
from dmml_tf.embed.sounds import FilesSource
from dmml_tf.embed.tracks import Engine
from dmml_tf.run import Run
from tfrecords_tools.build.apart import require_sight
from tfrecords_tools.build.beam_pipeline import pipeline_of, wait_for
from tfrecords_tools.build.pool import Crew, default_workers
from tfrecords_tools.notes import Note
from tfrecords_tools.tables.rows import Reject, Row

_ROWS = ".rows-"  # first part of the hidden folder's name


def beam_engine(arguments: str, run: Run, source: FilesSource, batch: int) -> Engine:
    """An engine for `embed_tracks`.

    Args:
        arguments: see `tfrecords_tools.build.beam_pipeline.pipeline_of`.
        run: whose network embeds.
        source: the files; the same that `embed_tracks` is given.
        batch: windows a call of the network.

    Raises:
        UserError: if Beam does not take the arguments.
    """
    return functools.partial(_run, pipeline_of(arguments), run, source, batch)


def _run(
    pipeline: beam.Pipeline, run: Run, source: FilesSource, batch: int, parts: Parts, missing: Sequence[int]
) -> Generator[int, None, None]:
    if not missing:
        return
    work = work_of(parts, run, source, batch)
    for old in work.parts.folder.glob(f"{_ROWS}*"):  # of a command that was killed
        shutil.rmtree(old)
    rows = work.parts.folder / f"{_ROWS}{secrets.token_hex(4)}"
    rows.mkdir()
    try:
        for job in jobs_of(parts, source, missing):
            _write_job(_rows_file(rows, job.number), job)
        (
            pipeline
            | "Parts" >> beam.Create(list(missing))
            # Without it, the engine would make one part after the other.
            | "Spread" >> beam.Reshuffle()
            | "Make" >> beam.ParDo(_MakePart(work, rows))
        )
        wait_for(pipeline, "the same command goes on with the parts that are not there")
    finally:
        shutil.rmtree(rows, ignore_errors=True)
    # Beam tells of its work when it has ended.
    yield from (parts.items(number) for number in missing if parts.note(number).exists())


def _rows_file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.json"


def _write_job(path: Path, job: PartJob) -> None:
    """In ASCII, because a path may hold bytes that are no text."""
    rows = [[isinstance(row, Row), dataclasses.asdict(row)] for row in job.rows]
    path.write_text(json.dumps([job.number, rows, dict(job.paths)]), encoding="ascii")


def _read_job(path: Path) -> PartJob:
    number, rows, paths = json.loads(path.read_text(encoding="ascii"))
    return PartJob(number, [_row(cells) if accepted else Reject(**cells) for accepted, cells in rows], paths)


def _row(cells: dict[str, Any]) -> Row:
    tags = {name: tuple(tags) for name, tags in cells["tags"].items()}
    return Row(**{**cells, "tags": tags, "notes": tuple(Note(**note) for note in cells["notes"])})


class _MakePart(beam.DoFn):
    """Number of a part -> the part, in the folder that all machines see."""

    def __init__(self, work: Work, rows: Path):
        self._work, self._rows = work, rows
        self._made = beam.metrics.Metrics.counter("dmml", "items")

    def setup(self) -> None:
        self._decoders: list[Crew] = []

    def process(self, element: int) -> Iterator[None]:
        rows = _rows_file(self._rows, element)
        worker = _InWorker(rows, self._decoders)
        worker.require_sight([rows])
        self._made.inc(make_part(self._work, _read_job(rows), worker))
        return iter(())

    def teardown(self) -> None:
        for crew in self._decoders:
            crew.stop()


class _InWorker:
    """See `dmml_tf.embed.apart.Worker`; `decoders` are kept from part to part."""

    threads, folder = 1, None  # the engine has a worker for each core

    def __init__(self, rows: Path, decoders: list[Crew]):
        self._rows, self._decoders = rows, decoders

    def crew(self, function: Callable[[Any], Any], seconds: Callable[[Any], float]) -> Crew:
        if not self._decoders:
            self._decoders.append(Crew(function, 1, seconds, default_workers()))
        return self._decoders[0]

    def require_sight(self, paths: Iterable[str | os.PathLike]) -> None:
        require_sight(platform.node(), paths)

    def require_wanted(self) -> None:
        if not self._rows.exists():
            raise RuntimeError(f"{self._rows} is gone: the command that this part was for has ended")
