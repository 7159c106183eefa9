"""Files of a dataset: shards of records and tables, each whole or not there."""

import contextlib
import csv
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import tensorflow as tf

from tfrecords_tools.dataset import Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file


class ShardWriter:
    """One TFRecord file that is being written; `whole_shard` makes it.

    Attributes:
        shard: name, records and SHA-256 of the finished file; set when the block of `whole_shard` has ended.
    """

    shard: Shard

    def __init__(self, file: tf.io.TFRecordWriter):
        self.records = 0
        self._file = file

    def write(self, record: bytes) -> None:
        """Appends one serialised `tf.train.Example`."""
        self._file.write(record)
        self.records += 1


@contextlib.contextmanager
def whole_shard(path: Path) -> Iterator[ShardWriter]:
    """Gives a writer of records; the file gets its name when the block ends without an error.

    Raises:
        UserError: if the disk is full or not writable.
    """
    try:
        with whole_file(path, durable=True) as temporary:
            # TensorFlow opens the file lazily or at once, by version: errors come here or at the first write.
            with tf.io.TFRecordWriter(str(temporary)) as file:
                writer = ShardWriter(file)
                yield writer
            with open(temporary, "rb") as written:
                digest = hashlib.file_digest(written, "sha256").hexdigest()
    except tf.errors.OpError as error:
        raise UserError(
            f"{path}: cannot be written ({error.message}); make room, then run the command again "
            "with --resume, or choose another folder"
        ) from error
    writer.shard = Shard(path.name, writer.records, digest)


class TableWriter:
    """One CSV table that is being written; `whole_table` makes it."""

    def __init__(self, file: IO[str], header: Sequence[str]):
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(header)

    def write(self, cells: Iterable) -> None:
        """Appends one row; None is an empty cell."""
        self._writer.writerow("" if cell is None else cell for cell in cells)


@contextlib.contextmanager
def whole_table(path: Path, header: Sequence[str]) -> Iterator[TableWriter]:
    """Gives a writer of rows; the table gets its name when the block ends without an error."""
    # A file name that is not valid UTF-8 is still a path; it is written as the bytes it is.
    with (
        whole_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield TableWriter(file, header)


def join_tables(parts: Iterable[Path], path: Path) -> None:
    """Writes CSV files that have one header as one, block by block; at least one is needed."""
    with whole_file(path) as temporary, open(temporary, "wb") as whole:
        for place, part in enumerate(parts):
            with open(part, "rb") as file:
                header = file.readline()
                if not place:
                    whole.write(header)
                shutil.copyfileobj(file, whole, 1 << 20)
