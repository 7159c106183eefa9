"""TFRecord files byte by byte: where each record lies, and whether its two checksums hold.

TensorFlow's own reader stops at damage without saying where. A file is a sequence of

    uint64 length | uint32 masked CRC-32C of the length | data | uint32 masked CRC-32C of the data

little-endian, without header or end mark (`tensorflow/core/lib/io/record_writer.h`).
"""

import os
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import google_crc32c

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_HEAD_BYTES = _LENGTH.size + _CHECKSUM.size
FRAME_BYTES = _HEAD_BYTES + _CHECKSUM.size  # of a record, beside its data


class DamagedRecord(Exception):
    """A record that cannot be trusted.

    Attributes:
        number: the record's place in its file, from 1.
        offset: where its first byte lies in its file.
        reason: what is wrong with it.
    """

    def __init__(self, number: int, offset: int, reason: str):
        super().__init__(number, offset, reason)
        self.number, self.offset, self.reason = number, offset, reason


def masked_crc32c(data: bytes) -> int:
    """The checksum that TFRecord stores: CRC-32C, rotated right by 15 bits, plus 0xa282ead8, modulo 2^32."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(file: BinaryIO, passed: Callable[[bytes], object] = lambda piece: None) -> Iterator[tuple[int, bytes]]:
    """Yields (offset of the record's first byte, its data), one record in memory at a time.

    Args:
        file: opened for binary reading; read from its beginning.
        passed: is given every byte of the file, piece by piece; such as a digest's `update`.

    Raises:
        DamagedRecord: at the first record that is cut off or whose length or data differ from their checksum.
        OSError: if the file cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    offset, number = 0, 0
    while offset < size:
        number += 1
        data = read_record(file, size, number, offset, passed)
        yield offset, data
        offset += FRAME_BYTES + len(data)


def read_record(
    file: BinaryIO, size: int, number: int, offset: int, passed: Callable[[bytes], object] = lambda piece: None
) -> bytes:
    """The data of the record that begins at `offset`.

    Args:
        file: opened for binary reading.
        size: bytes of the whole file.
        number: the record's place in its file, from 1, for the message.
        offset: of its first byte.
        passed: as of `read_records`.

    Raises:
        DamagedRecord, OSError: as `read_records`.
    """
    length = read_length(file, size, number, offset, passed)
    data, checksum = file.read(length), file.read(_CHECKSUM.size)
    passed(data)
    passed(checksum)
    if checksum != _CHECKSUM.pack(masked_crc32c(data)):
        raise DamagedRecord(number, offset, "its data differ from the checksum of the data")
    return data


def read_length(
    file: BinaryIO, size: int, number: int, offset: int, passed: Callable[[bytes], object] = lambda piece: None
) -> int:
    """Bytes of data of the record that begins at `offset`; the arguments, and what is raised, are `read_record`'s."""
    file.seek(offset)
    head = file.read(_HEAD_BYTES)
    passed(head)
    if len(head) < _HEAD_BYTES:
        raise DamagedRecord(number, offset, f"the file ends in its length, after {len(head)} of {_HEAD_BYTES} bytes")
    if _CHECKSUM.unpack_from(head, _LENGTH.size)[0] != masked_crc32c(head[: _LENGTH.size]):
        raise DamagedRecord(number, offset, "its length differs from the checksum of the length")
    (length,) = _LENGTH.unpack_from(head)
    # Before reading, so that no length makes us ask for more memory than the file is long.
    following = size - offset - _HEAD_BYTES
    if length + _CHECKSUM.size > following:
        raise DamagedRecord(
            number,
            offset,
            f"the file ends in its data: {length + _CHECKSUM.size} bytes should "
            f"follow its length, {max(following, 0)} do",
        )
    return int(length)
