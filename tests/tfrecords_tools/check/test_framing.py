"""TFRecord framing: agrees with TensorFlow's writer and reader; damage is found and placed."""

import io
import re
import struct

import numpy as np
import pytest
import tensorflow as tf

from tfrecords_tools.check.framing import DamagedRecord, masked_crc32c, read_records

DATA = [b"first", b"", np.random.default_rng([0]).bytes(5000), b"last"]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> bytes:
    """A file of DATA by TensorFlow's writer."""
    path = tmp_path_factory.mktemp("framing") / "x.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for data in DATA:
            writer.write(data)
    return path.read_bytes()


def _read(content: bytes) -> list[tuple[int, bytes]]:
    return list(read_records(io.BytesIO(content)))


def test_reads_what_tensorflow_writes(written):
    assert [data for _, data in _read(written)] == DATA
    assert [offset for offset, _ in _read(written)] == [0, 21, 37, 5053]


def test_the_size_comes_from_the_file_system_and_every_byte_is_passed(written, tmp_path):
    (tmp_path / "x").write_bytes(written)
    pieces = []
    with open(tmp_path / "x", "rb") as file:
        assert len(list(read_records(file, passed=pieces.append))) == len(DATA)
    assert b"".join(pieces) == written


def test_masked_checksum_of_the_standard_test_vector():
    crc = 0xE3069283  # CRC-32C of "123456789", RFC 3720
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def test_an_empty_file_has_no_record():
    assert _read(b"") == []


@pytest.mark.parametrize(
    "place, record",
    [(0, 1), (7, 1), (9, 1), (12, 1), (17, 1), (33, 2), (40, 3), (60, 3), (5048, 3), (5049, 3), (5065, 4), (-1, 4)],
)
def test_any_flipped_bit_is_found_where_tensorflow_finds_damage_too(written, place, record, tmp_path):
    content = bytearray(written)
    content[place] ^= 4
    with pytest.raises(DamagedRecord) as damage:
        _read(bytes(content))
    assert (damage.value.number, damage.value.offset) == (record, [0, 21, 37, 5053][record - 1])
    assert "differ" in damage.value.reason
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset(str(tmp_path / "x")))


@pytest.mark.parametrize(
    "kept, number, offset, reason",
    [
        (5054, 4, 5053, "ends in its length, after 1 of 12"),
        (5064, 4, 5053, "ends in its length, after 11 of 12"),
        (5065, 4, 5053, "8 bytes should follow its length, 0 do"),
        (5052, 3, 37, "5004 bytes .* 5003 do"),
        (20, 1, 0, "9 bytes .* 8 do"),
    ],
)
def test_a_file_cut_off_inside_a_record(written, kept, number, offset, reason):
    with pytest.raises(DamagedRecord) as damage:
        _read(written[:kept])
    assert (damage.value.number, damage.value.offset) == (number, offset)
    assert re.search(reason, damage.value.reason)


def test_a_file_cut_off_between_records_is_whole_by_itself(written):
    assert len(_read(written[:5053])) == 3


def test_a_monstrous_length_with_a_right_checksum_asks_for_no_memory(written):
    head = struct.pack("<Q", 2**62)
    with pytest.raises(DamagedRecord, match="ends in its data"):
        _read(head + struct.pack("<I", masked_crc32c(head)) + b"x" * 100)
