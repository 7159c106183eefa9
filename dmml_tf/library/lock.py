"""One scan of a library at a time; the lock goes with the process that holds it, however that ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.errors import UserError

LOCK_FILE = "lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the library's lock while the block runs.

    Raises:
        UserError: if another process scans the library now.
    """
    with open(folder / LOCK_FILE, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read(20).strip() or "another process"
            raise UserError(f"{folder}: is being scanned by {who}; wait until that ends, or end it") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        # The file stays: removed, a waiting process could lock one that has no name any more.
        yield
