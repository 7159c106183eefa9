"""The work folder of a build whose dataset lies in an object store, where a file is seen when all of it is there.

Shards go to their final place, each when it is finished: until there is a dataset.json they are none. What is known of
them goes to `ADDRESS/.build`, their table first and their note last, so that a build goes on from what is whole in the
store, on this machine or another. On this machine's disk (`TMPDIR`) are the shard that is being written, the
tables and the plan.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from re import Pattern

from tfrecords_tools.build.apart import hand_over, key_at
from tfrecords_tools.build.work_folder import KEY_FILE, WORK_FOLDER, FinishedShard, WorkFolder
from tfrecords_tools.dataset import BUILD_FILE, FILE_NAME
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import absolute, is_address, joined
from tfrecords_tools.stores.local_copy import SCRATCH
from tfrecords_tools.stores.store import (
    Entry,
    fetch,
    list_folder,
    put,
    read_many,
    remove,
    require_bucket,
    write_bytes,
)


def work_folder_of(out: str | os.PathLike) -> WorkFolder:
    """The work folder of a dataset's folder, or of its address.

    Raises:
        UserError: if the address cannot be used.
    """
    return RemoteFolder(out) if is_address(out) else WorkFolder(Path(out))


class RemoteFolder(WorkFolder):
    """`ADDRESS/.build`; its `out` is a temporary folder of this machine, whose files `deliver` puts where they belong.

    Nobody holds a lock in a store: of two builds at once at one address, the one that began last ends well.
    """

    def __init__(self, address: str):
        require_bucket(address)
        self._scratch = tempfile.TemporaryDirectory(prefix=SCRATCH)
        super().__init__(Path(self._scratch.name, "out"))
        self.place = absolute(address)
        self._hidden = joined(self.place, WORK_FOLDER)
        self._files: dict[str, Entry] = {}  # in the store
        self._tables: set[str] = set()

    def __enter__(self) -> "RemoteFolder":
        super().__enter__()
        try:
            self._files = list_folder(self.place)
            for file in (BUILD_FILE, FILE_NAME):
                if file in self._files:
                    fetch(joined(self.place, file), self.out / file)
            if FILE_NAME in self._files:  # what is there beside it was not removed for want of an instant
                remove(self._hidden, list_folder(self._hidden))
            self.look_again()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        super().__exit__()
        self._scratch.cleanup()

    def look_again(self) -> None:
        """See `WorkFolder`."""
        self._files, hidden = list_folder(self.place), list_folder(self._hidden)
        self._tables = {name for name in hidden if name.endswith(".csv")}
        known = [name for name in hidden if name == KEY_FILE or name.endswith(".json")]
        missing = [name for name in known if not (self.folder / name).exists()]
        for name, content in read_many(self._hidden, missing).items():
            (self.folder / name).write_bytes(content)

    def begin(self, key: str) -> None:
        """See `WorkFolder`."""
        remove(self._hidden, [KEY_FILE])
        remove(self._hidden, list_folder(self._hidden))
        super().begin(key)
        self._tables = set()
        write_bytes(joined(self._hidden, KEY_FILE), key.encode())

    def end(self) -> None:
        """See `WorkFolder`."""
        super().end()
        remove(self._hidden, [KEY_FILE])
        remove(self._hidden, list_folder(self._hidden))

    def keep(self, finished: FinishedShard) -> None:
        """Puts a shard, its table and last its note into the store; the shard is then on no disk of this machine."""
        super().keep(finished)
        file = finished.shard.file
        shard = self.folder / file
        parts = self.parts(file)
        for path in parts:
            hand_over(path, self.place)
        self._files[file] = Entry(finished.size, "")
        self._tables |= {path.name for path in parts if path.suffix == ".csv"}
        shard.unlink()

    def has(self, file: str) -> bool:
        """See `WorkFolder`."""
        return file in self._files

    def clear(self, files: Pattern[str]) -> None:
        """See `WorkFolder`."""
        super().clear(files)
        remove(self.place, [FILE_NAME])
        remove(self.place, filter(files.fullmatch, self._files))
        self._files = {}

    def bytes_at_once(self, shards: Iterable[float]) -> float:
        """See `WorkFolder`."""
        return max(shards, default=0.0)

    def publish(self, files: Iterable[str]) -> None:
        """Fetches the tables of shards that were finished before; the shards are where they belong."""
        if key_at(self.place) != self.unfinished_key():
            raise UserError(
                f"{self.place}: another build has begun or ended there meanwhile; let one of them work there at a time"
            )
        for file in files:
            for table in (self.table(file), self.segments(file)):
                if table.name in self._tables and not table.exists():
                    fetch(joined(self._hidden, table.name), table)

    def deliver(self, *files: str) -> None:
        """See `WorkFolder`."""
        for file in files:
            if (self.out / file).exists():
                put(self.out / file, joined(self.place, file))

    def _is_whole(self, finished: FinishedShard) -> bool:
        entry = self._files.get(finished.shard.file)
        return entry is not None and entry.size == finished.size and f"{finished.shard.file}.csv" in self._tables
