"""Files and folders that are whole or not there: written under a temporary name, then renamed.

A process may be killed at any instant. What it leaves then is what was there before and, beside it, something hidden
that no reader looks at: the next writer of the same name writes over it or removes it.
"""

import contextlib
import json
import os
import shutil
import tokenize
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.errors import UserError

# What NumPy raises on an .npz file that is cut short, damaged, or something else under that name.
NOT_NPZ = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
_OVERHEAD = 2 * 2**20  # bytes: names and structure beside the content, and the small files


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/dmml`, or `~/.cache/dmml` (XDG Base Directory Specification): what may be made again."""
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home if home and os.path.isabs(home) else Path.home() / ".cache") / "dmml"


def temporary_path(path: Path) -> Path:
    """The hidden name beside `path` that a file or folder has until it is whole; it ends as `path` does."""
    return path.with_name(f".tmp.{path.name}")


@contextlib.contextmanager
def whole_file(path: Path, *, durable: bool = False, shared: bool = False) -> Iterator[Path]:
    """Gives a temporary path; what the block writes there takes the place of `path` when it ends without an error.

    Args:
        path: the file's final place, in a folder that exists; what it held before is kept until then.
        durable: has the content on the disk before it gets its name, so that a power cut leaves no empty file
            under it either. That takes some milliseconds, and for a large file as long as the disk needs.
        shared: another process may write the same file at the same time: each gets a temporary name of its own, and
            the last one wins.

    Yields:
        A path beside it with the same suffix, as writers that go by the suffix need it. The block closes what it
        opens there; if it fails, the file is removed.
    """
    temporary = temporary_path(path)
    if shared:
        temporary = path.with_name(f".tmp.{uuid.uuid4().hex}.{path.name}")
    try:
        yield temporary
        if durable:
            _flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder that takes the place of `folder` when the block ends without an error.

    Args:
        folder: the final place; what it held before is kept until the new content is complete.

    Yields:
        A new, empty folder beside it. It is removed if the block fails; one left by a killed process is removed by
        the next call.
    """
    temporary, old = temporary_path(folder), folder.with_name(f".old.{folder.name}")
    if old.exists() and not folder.exists():  # killed between the two renames below
        os.replace(old, folder)
    for left_over in (temporary, old):
        shutil.rmtree(left_over, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        # A folder cannot be renamed over one that is not empty.
        if folder.exists():
            os.replace(folder, old)
        os.replace(temporary, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if old.exists():
            os.replace(old, folder)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file whole, or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole, or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: object) -> None:
    """Writes a JSON file whole, or not at all; durable, since such a file often says that others are whole.

    Raises:
        ValueError: if a number is not finite; then nothing is written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(path, durable=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def move_file(source: Path, target: Path) -> None:
    """Moves a whole file to its final place on the same disk."""
    os.replace(source, target)


def require_room(folder: Path, content: int) -> None:
    """Checks that a disk takes `content` bytes and some overhead: on a full one HDF5 ends the whole process.

    Raises:
        UserError: if it does not.
    """
    needed, free = content * 5 // 4 + _OVERHEAD, shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder}: the disk has {free / 2**20:.1f} MiB left, what comes next needs "
            f"{needed / 2**20:.1f}; make room and run the same command again, which goes on from here"
        )


def _flush(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
