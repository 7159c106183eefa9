"""Records by their place: the same as TensorFlow reads in order; damage is found on the way."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.data.records import READER, endless_tracks, read_tracks
from dmml_tf.data.shards import Shard
from tests.synthetic import write_dataset
from tfrecords_tools.check.framing import DamagedRecord
from tfrecords_tools.errors import UserError

DATA = [b"first", b"", np.random.default_rng([0]).bytes(5000), b"last"]


@pytest.fixture
def path(tmp_path):
    """A file of DATA by TensorFlow's writer."""
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        for data in DATA:
            writer.write(data)
    return tmp_path / "x.tfrecord"


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 0, 2, 2, 1], [2, 3, 0]])
def test_any_order_gives_what_was_written(path, order):
    shard = Shard(str(path), 4)
    assert [shard.read(number) for number in order] == [DATA[number] for number in order]


def test_a_file_that_goes_on_is_damaged(path):
    shard = Shard(str(path), 3)
    assert shard.read(1) == b""
    with pytest.raises(DamagedRecord, match="goes on after its 3 records"):
        shard.read(2)


@pytest.mark.parametrize("place, sound", [(9, []), (40, [0, 1]), (60, [0, 1, 3]), (-1, [0, 1, 2])])
def test_damage_is_found_at_its_record_or_behind_its_length(path, place, sound):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    shard = Shard(str(path), 4)
    for number in range(4):
        if number in sound:
            assert shard.read(number) == DATA[number]
        else:
            with pytest.raises(DamagedRecord):
                shard.read(number)


def test_a_flipped_byte_of_an_endless_stream_is_one_line(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 8}, frames=150, shards=1)
    (path,) = dataset.files("train")
    with open(path, "r+b") as file:
        file.seek(20_000)
        file.write(b"\xff\x00\xff")
    with pytest.raises(UserError, match="split 'train'.*checksum of the data.*damaged") as caught:
        list(zip(range(9), endless_tracks(dataset, "train", 0)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_tracks, lambda *place: endless_tracks(*place, seed=0)], ids=["once", "endless"])
def test_who_stops_reading_leaves_no_thread(synthetic, read):
    stream = read(synthetic, "train")
    next(stream)
    threads = readers()
    assert threads
    stream.close()
    for thread in threads:
        thread.join(10)
    assert not readers()


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith(READER)]
