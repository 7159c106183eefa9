"""One shard of a build: its records, its part of tracks.csv, and the note that says that it is whole."""

from collections.abc import Iterable

from tfrecords_tools.build.plan import PlannedShard
from tfrecords_tools.build.rows import Written, tracks_header
from tfrecords_tools.build.work import Finished, Work
from tfrecords_tools.build.writer import whole_shard, whole_table
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.manifest import Reject


def write_shard(work: Work, shard: PlannedShard, schema: Schema, tracks: Iterable[Written | Reject]) -> Finished:
    """Writes one shard into a work folder.

    Args:
        work: whose folder exists; it need not be entered.
        shard: what is written.
        schema: of the dataset.
        tracks: what came of each row of the shard, in the planned order; taken one by one.

    Returns:
        What is known of the shard; noted in the folder, last of all.

    Raises:
        UserError: if the disk is full. What `tracks` raises goes through, and no half shard is left.
    """
    rejects: list[Reject] = []
    seconds, tempi = 0.0, 0
    path = work.folder / shard.file
    with whole_shard(path) as writer, whole_table(work.table(shard.file), tracks_header(schema)) as table:
        for track in tracks:
            if isinstance(track, Reject):
                rejects.append(track)
                continue
            writer.write(track.record)
            table.write(track.cells)
            seconds += track.seconds
            tempi += track.tempo_estimated
    finished = Finished(writer.shard, shard.split, path.stat().st_size, seconds, tempi, rejects)
    work.keep(finished)
    return finished
