"""What a worker process does with one file of a library: tell it by its content, and hear it. Imports no TensorFlow."""

import dataclasses
import hashlib
import os

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract, patience
from tfrecords_tools.sources.file_tags import FileTags, read_tags

_DIGEST = 16  # bytes: 2**64 files before two share one by chance
CHANGED = "changed while it was read; it is tried again at the next scan"
_PATIENCE = 600.0  # seconds to read one file through: a disk may be far away


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A file as the walk saw it.

    Attributes:
        root: the library's folder that it is in.
        path: below `root`.
        size: bytes.
        changed: nanoseconds of its last change.
    """

    root: str
    path: str
    size: int
    changed: int

    @property
    def place(self) -> str:
        """Its whole path."""
        return os.path.join(self.root, self.path)

    def is_as_seen(self) -> bool:
        """Whether the file still has that size and time."""
        try:
            status = os.stat(self.place)
        except (OSError, ValueError):
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed)


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """A file that was read: its content's digest and its tags."""

    content: bytes
    tags: FileTags


@dataclasses.dataclass(frozen=True, slots=True)
class Hearing:
    """One file to hear: as it was seen, and how."""

    seen: Seen
    task: Task


def know(seen: Seen) -> Known | str:
    """Reads a file through; a text says why that cannot be done."""
    if problem := file_problem(seen.place):
        return problem
    try:
        with open(seen.place, "rb") as file:
            content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST)).digest()
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    tags = read_tags(seen.place)
    return Known(content, tags) if seen.is_as_seen() else CHANGED


def hear(hearing: Hearing) -> Extracted | Refused | str:
    """Extracts a file's features; a text says that it is not the file that was seen, or is while it is read."""
    if not hearing.seen.is_as_seen():
        return CHANGED
    result = extract(hearing.task)
    return result if hearing.seen.is_as_seen() else CHANGED


def knowing_patience(seen: Seen) -> float:
    """Seconds that `know` may take."""
    return _PATIENCE + seen.size * 1e-6


def hearing_patience(hearing: Hearing) -> float:
    """Seconds that `hear` may take."""
    return patience(hearing.task)
