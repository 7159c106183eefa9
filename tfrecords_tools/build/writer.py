"""Shards of records, each whole or not there."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

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
