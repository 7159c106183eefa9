"""Records by their place, each read when it is asked for; TensorFlow's own reader gives them in their order alone."""

import array
import os

from dmml_tf.conditions.labels import Array
from tfrecords_tools.check.framing import FRAME_BYTES, DamagedRecord, read_length, read_record


class Shard:
    """One TFRecord file.

    Where its records begin is found on the way to the last one that was asked for, and kept: 8 bytes a record. The
    file is open no longer than a read takes, however many shards there are.

    Args:
        path: of the file.
        records: that it is to hold.
    """

    def __init__(self, path: str, records: int):
        self.path, self.records = path, records
        self._offsets = array.array("q", [0])

    def read(self, number: int) -> bytes:
        """The data of one record, 0 and up, whose checksums hold.

        Raises:
            DamagedRecord: if it, or one before it, is damaged or cut off, or the file goes on after the last one.
            OSError: if the file cannot be read.
        """
        with open(self.path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            while len(self._offsets) <= number:
                offset = self._offsets[-1]
                length = read_length(file, size, len(self._offsets), offset)
                self._offsets.append(offset + FRAME_BYTES + length)
            data = read_record(file, size, number + 1, self._offsets[number])
        end = self._offsets[number] + FRAME_BYTES + len(data)
        if number == self.records - 1 and end != size:
            raise DamagedRecord(number + 2, end, f"the file goes on after its {self.records} records")
        return data


class ChosenRecords:
    """Some records of a shard, as if they were one.

    Args:
        shard: that holds them.
        numbers: int [records], their places there.
    """

    def __init__(self, shard: Shard, numbers: Array):
        self.path, self.records = shard.path, len(numbers)
        self._shard, self._numbers = shard, numbers

    def read(self, number: int) -> bytes:
        """As `Shard.read`, counted among the chosen ones."""
        return self._shard.read(int(self._numbers[number]))
