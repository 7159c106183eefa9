"""A shard that is made on another machine than the build: on its own disk first, then copied to the build's folder."""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tfrecords_tools.audio.extract import Task
from tfrecords_tools.build.plan import PlannedShard
from tfrecords_tools.build.records import Outcome, write_shard
from tfrecords_tools.build.work_folder import FinishedShard, WorkFolder
from tfrecords_tools.files import whole_file
from tfrecords_tools.schema import Schema


def write_apart(
    work: WorkFolder,
    shard: PlannedShard,
    schema: Schema,
    outcomes: Iterable[Outcome],
    scratch: str | os.PathLike | None = None,
) -> FinishedShard:
    """Writes one shard, as `write_shard`, and copies it whole.

    Args:
        work: the build's, in the folder that all machines see; it need not be entered.
        shard, schema, outcomes: see `write_shard`.
        scratch: a folder on the machine's own disk; None takes the system's.
    """
    with tempfile.TemporaryDirectory(prefix="dmml-", dir=scratch) as folder:
        local = WorkFolder(Path(folder))
        local.folder.mkdir()
        finished = write_shard(local, shard, schema, outcomes)
        # By name, the shard is first, and last the note that says that it is whole.
        for path in sorted(local.folder.iterdir()):
            copy_whole(path, work.folder / path.name)
    return finished


def anywhere(task: Task) -> Task:
    """The same task for a process that is in another working folder."""
    return dataclasses.replace(task, path=os.path.abspath(task.path)) if os.path.exists(task.path) else task


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file, whole or not at all; an engine may do so twice at once."""
    with whole_file(target, durable=True, shared=True) as temporary:
        shutil.copyfile(source, temporary)
