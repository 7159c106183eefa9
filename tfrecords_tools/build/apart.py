"""A shard that is made on another machine than the build: on its own disk first, then copied to where the build is.

That is a folder that all machines see, or an address in an object store.
"""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfrecords_tools.audio.extract import Task
from tfrecords_tools.build.plan import PlannedShard
from tfrecords_tools.build.records import Outcome, write_shard
from tfrecords_tools.build.work_folder import KEY_FILE, WORK_FOLDER, FinishedShard, WorkFolder
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file
from tfrecords_tools.schema import Schema
from tfrecords_tools.stores.address import absolute, is_address, joined
from tfrecords_tools.stores.store import NotThere, put, read_bytes


def write_apart(
    place: str,
    shard: PlannedShard,
    schema: Schema,
    outcomes: Iterable[Outcome],
    scratch: str | os.PathLike | None = None,
) -> FinishedShard:
    """Writes one shard, as `write_shard`, and copies it whole.

    Args:
        place: `WorkFolder.place` of the build, absolute.
        shard, schema, outcomes: see `write_shard`.
        scratch: a folder on the machine's own disk; None takes the system's.
    """
    with tempfile.TemporaryDirectory(prefix="dmml-", dir=scratch) as folder:
        local = WorkFolder(Path(folder))
        local.folder.mkdir()
        finished = write_shard(local, shard, schema, outcomes)
        for path in local.parts(shard.file):
            hand_over(path, place)
    return finished


def finished_apart(work: WorkFolder, shards: Sequence[PlannedShard], who: str) -> list[FinishedShard]:
    """What other machines have made of these shards, once they have ended.

    Args:
        work: the build's folder, which is looked at anew.
        shards: all that were to be made.
        who: made them and ended, for the message.

    Raises:
        UserError: if some are not there.
    """
    work.look_again()
    finished = [shard for shard in map(work.finished, shards) if shard is not None]
    if len(finished) < len(shards):
        raise UserError(
            f"{absolute(work.place)}: {who}, and {len(shards) - len(finished)} of {len(shards)} shards are not there; "
            "all machines must see the same folder under the same path"
        )
    return finished


def hand_over(path: Path, place: str) -> None:
    """Copies a file of a work folder, whole, to where a build is; a shard in a store at once to where it belongs.

    Raises:
        UserError: if a store does not take it.
    """
    if not is_address(place):
        copy_whole(path, WorkFolder(Path(place)).folder / path.name)
    elif path.suffix == ".tfrecord":
        put(path, joined(place, path.name))
    else:
        put(path, joined(place, WORK_FOLDER, path.name))


def read_handed(place: str, name: str) -> bytes:
    """A small file of the work folder of a build.

    Raises:
        FileNotFoundError, StoreError: if it is not there.
    """
    if is_address(place):
        return read_bytes(joined(place, WORK_FOLDER, name))
    return (WorkFolder(Path(place)).folder / name).read_bytes()


def key_at(place: str) -> str | None:
    """`WorkFolder.unfinished_key` of a build, as another machine sees it.

    Raises:
        UserError: if a store does not answer.
    """
    if not is_address(place):
        return WorkFolder(Path(place)).unfinished_key()
    try:
        return read_handed(place, KEY_FILE).decode()
    except NotThere:
        return None


def anywhere(task: Task) -> Task:
    """The same task for a process that is in another working folder."""
    return dataclasses.replace(task, path=os.path.abspath(task.path)) if os.path.exists(task.path) else task


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file, whole or not at all; an engine may do so twice at once."""
    with whole_file(target, durable=True, shared=True) as temporary:
        shutil.copyfile(source, temporary)


def require_sight(worker: str, paths: Iterable[str | os.PathLike]) -> None:
    """Raises `unseen` of the first of these files that is not seen from here; `worker` names this machine."""
    for path in paths:
        if not os.path.exists(path):
            raise unseen(worker, path)


def unseen(worker: str, path: str | os.PathLike) -> UserError:
    """The error that says that a worker does not see a file."""
    return UserError(
        f"the worker {worker} does not see {os.fspath(path)}, which is there where the command runs; "
        "all machines must see it under the same path"
    )
