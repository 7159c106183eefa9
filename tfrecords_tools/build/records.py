"""One planned row: the task for a worker, and from its result the record and the line of tracks.csv, or the reject.

Plain functions over plain data, which a process pool and a pipeline of another engine call alike. A shard is the
records of some rows, their part of tracks.csv and of track_segments.csv, and the note that says that it is whole.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tfrecords_tools.audio.extract import Extracted, Refused, Task, require_answer
from tfrecords_tools.audio.same_sound import NO_SOUND, sound_digest
from tfrecords_tools.audio.tempo import MADMOM
from tfrecords_tools.build.plan import Plan, PlannedShard
from tfrecords_tools.build.pool import Died
from tfrecords_tools.build.segments import heard_segments, segments_header
from tfrecords_tools.build.work_folder import FinishedShard, WorkFolder
from tfrecords_tools.build.writer import whole_shard
from tfrecords_tools.notes import RowNote, of_row
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.rows import Reject, Row
from tfrecords_tools.tables.whole_table import whole_table

TRACKS_HEADER = ("track_id", "title", "artist", "split", "duration", "path")


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """What comes of one track: its serialised record, its cells in tracks.csv, and the digest of its sound.

    Attributes:
        segments: cells of each of its segments in track_segments.csv.
    """

    record: bytes
    cells: tuple
    seconds: float
    tempo_estimated: bool
    digest: bytes = NO_SOUND
    segments: Sequence[tuple] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of one row: a track or a reject, what was odd in its file, and which of its segments are left out."""

    track: Written | Reject
    notes: tuple[RowNote, ...] = ()
    rejects: tuple[Reject, ...] = ()


def task_of(row: Row, plan: Plan, tempo_cache: str) -> Task:
    """What a worker is asked for: the tempo where it is to be estimated and the table does not give it."""
    asked = plan.estimates and row.values["tempo"] is None
    options = plan.options
    return Task(
        row.path,
        options.tempo_seconds if asked else None,
        tempo_cache,
        options.tempo or MADMOM,
        options.max_seconds,
        options.audio,
        plan.features,
    )


def tracks_header(schema: Schema) -> tuple[str, ...]:
    """Header of tracks.csv: the cells of `Written.cells`."""
    return (*TRACKS_HEADER, *schema.vocabularies, *schema.values)


def tag_ids(schema: Schema) -> dict[str, dict[str, int]]:
    """Tag dimension -> tag -> its id."""
    return {name: {tag: place for place, tag in enumerate(tags)} for name, tags in schema.vocabularies.items()}


def finish_row(
    row: Row, result: Extracted | Refused | Died, schema: Schema, ids: Mapping[str, Mapping[str, int]]
) -> Outcome:
    """Puts labels and features together.

    Args:
        row: with its split.
        result: what `extract` returned for it.
        schema: the dataset's.
        ids: `tag_ids(schema)`, made once.

    Raises:
        UserError: if it was not this row's file that could not be had, but any.
    """
    if isinstance(result, Died):
        return Outcome(_unusable(row, result.reason))
    notes = tuple(of_row(row.line, row.track_id, result.notes))
    if isinstance(result, Refused):
        require_answer(row.path, result)
        return Outcome(_unusable(row, result.reason), notes)
    values = dict(row.values)
    if result.tempo is not None:
        values["tempo"] = round(result.tempo, 2)  # finer than the estimate's own grid
    track = {
        "track_id": row.track_id,
        "artist": row.artist,
        "title": row.title,
        "duration": result.duration,
        "log_mel": result.log_mel,
        "audio": result.audio,
    }
    track |= {f"tags/{name}": sorted(ids[name][tag] for tag in tags) for name, tags in row.tags.items()}
    track |= {f"values/{name}": value for name, value in values.items()}
    cells = (
        row.track_id,
        row.title,
        row.artist,
        row.split,
        f"{result.duration:.3f}",
        row.path,
        *(TAG_SEPARATOR.join(tags) for tags in row.tags.values()),
        *values.values(),
    )
    estimated, digest = result.tempo is not None, sound_digest(result.log_mel)
    segments = heard_segments(row, result.duration, schema, ids)
    record = schema.encode({**track, **segments.fields})
    return Outcome(
        Written(record, cells, result.duration, estimated, digest, segments.cells), notes, tuple(segments.rejects)
    )


def _unusable(row: Row, reason: str) -> Reject:
    return Reject(row.line, row.track_id, "path", f"'{row.path}': {reason}")


def write_shard(work: WorkFolder, shard: PlannedShard, schema: Schema, outcomes: Iterable[Outcome]) -> FinishedShard:
    """Writes one shard into a work folder.

    Args:
        work: whose folder exists; it need not be entered.
        shard: what is written.
        schema: the dataset's.
        outcomes: what came of each row of the shard, in the planned order; taken one by one.

    Returns:
        What is known of the shard; noted in the folder, last of all.

    Raises:
        UserError: if the disk is full. What `outcomes` raises goes through, and no half shard is left.
    """
    rejects: list[Reject] = []
    notes: list[RowNote] = []
    digests = bytearray()
    seconds, tempi, segments = 0.0, 0, 0
    path = work.folder / shard.file
    with (
        whole_shard(path) as writer,
        whole_table(work.table(shard.file), tracks_header(schema)) as table,
        _segment_table(work, shard, schema) as write_segment,
    ):
        for outcome in outcomes:
            notes.extend(outcome.notes)
            rejects.extend(outcome.rejects)
            track = outcome.track
            if isinstance(track, Reject):
                rejects.append(track)
                digests += NO_SOUND
                continue
            digests += track.digest
            writer.write(track.record)
            table.write(track.cells)
            for cells in track.segments:
                write_segment(cells)
            segments += len(track.segments)
            seconds += track.seconds
            tempi += track.tempo_estimated
    size = path.stat().st_size
    finished = FinishedShard(writer.shard, shard.split, size, seconds, tempi, rejects, notes, digests.hex(), segments)
    work.keep(finished)
    return finished


@contextlib.contextmanager
def _segment_table(work: WorkFolder, shard: PlannedShard, schema: Schema) -> Iterator[Callable[[tuple], None]]:
    """Gives what writes a line of the shard's part of track_segments.csv; no such part where there are no segments."""
    if not schema.segmented:
        yield lambda cells: None
        return
    with whole_table(work.segments(shard.file), segments_header(schema)) as table:
        yield table.write
