"""Files of a dataset, each under a temporary name until it is whole."""

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import tensorflow as tf

from tfrecords_tools.dataset import Shard
from tfrecords_tools.errors import UserError


def temporary(path: Path) -> Path:
    """The hidden name beside `path` that a file has until it is whole."""
    return path.with_name(f".{path.name}.tmp")


class ShardWriter:
    """One TFRecord file: a context manager that renames it when all went well and removes it otherwise.

    Attributes:
        shard: name, records and SHA-256 of the finished file; set on leaving the context.
    """

    def __init__(self, path: Path):
        self.shard: Shard | None = None
        self._path, self._records = path, 0
        self._writer: tf.io.TFRecordWriter | None = None

    def __enter__(self) -> "ShardWriter":
        # TensorFlow opens the file lazily or at once, by version: errors come here or at the first write.
        self._try(lambda: setattr(self, "_writer", tf.io.TFRecordWriter(str(temporary(self._path)))))
        return self

    def write(self, record: bytes) -> None:
        """Appends one serialised `tf.train.Example`.

        Raises:
            UserError: if the disk is full or not writable.
        """
        self._try(lambda: self._writer.write(record))
        self._records += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        self._try(self._writer.close)
        with open(temporary(self._path), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(temporary(self._path), self._path)
        self.shard = Shard(self._path.name, self._records, digest)

    def _try(self, action) -> None:
        try:
            action()
        except tf.errors.OpError as error:
            self._discard()
            raise UserError(
                f"{self._path}: cannot be written ({error.message}); make room, then run the command again "
                "with --resume, or choose another folder"
            ) from error

    def _discard(self) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
        except tf.errors.OpError:
            pass  # the disk is full: what could not be flushed is thrown away anyway
        temporary(self._path).unlink(missing_ok=True)


class TableWriter:
    """One CSV table, renamed when the context is left without an error and removed otherwise."""

    def __init__(self, path: Path, header: Sequence[str]):
        self._path = path
        # A file name that is not valid UTF-8 is still a path; it is written as the bytes it is.
        self._file = open(temporary(path), "w", encoding="utf-8", errors="surrogateescape", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(header)

    def __enter__(self) -> "TableWriter":
        return self

    def write(self, cells: Iterable) -> None:
        """Appends one row; None is an empty cell."""
        self._writer.writerow("" if cell is None else cell for cell in cells)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            if kind is not None:
                temporary(self._path).unlink(missing_ok=True)
        if kind is None:
            os.replace(temporary(self._path), self._path)


def join_tables(parts: Iterable[Path], path: Path) -> None:
    """Writes CSV files that have one header as one, block by block; at least one is needed."""
    with open(temporary(path), "wb") as whole:
        for place, part in enumerate(parts):
            with open(part, "rb") as file:
                header = file.readline()
                if not place:
                    whole.write(header)
                shutil.copyfileobj(file, whole, 1 << 20)
    os.replace(temporary(path), path)


def write_text(path: Path, text: str) -> None:
    """Writes a small UTF-8 file whole, or not at all."""
    temporary(path).write_text(text, encoding="utf-8")
    os.replace(temporary(path), path)
