"""Reading shards back: order, damage, and label arrays."""

import dataclasses
import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.data.records import endless_tracks, label_arrays, pad_ids, read_tracks, repeat_labels
from tests.synthetic import SCHEMA, SEGMENTED_SCHEMA, synthetic_track, write_dataset
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema


@pytest.fixture
def copy(synthetic, tmp_path):
    """The synthetic dataset where a test may break it."""
    shutil.copytree(synthetic.folder, tmp_path / "data")
    return Dataset.load(tmp_path / "data")


def ids(rows):
    return [row["track_id"] for row in rows]


def test_segments_are_read_with_the_other_labels(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 10}, frames=260, segments=True)
    assert Dataset.load(tmp_path).schema == dataset.schema == SEGMENTED_SCHEMA
    tracks = list(read_tracks(dataset, "train"))
    assert [len(track["segments/start"]) for track in tracks] == [2, 2, 0, 2, 2, 2, 2, 2, 2, 0]
    for track in tracks[:2]:
        (_, first), (_, second) = track["segments/tags/genre"]
        assert track["tags/genre"].tolist() == sorted((first, second)) and first != second
        # The bands of both genres, by halves.
        (a, b), (c, d) = (
            [half[:, 10 * genre + 4 : 10 * genre + 10].mean() for genre in (first, second)]
            for half in np.split(track["log_mel"].astype(float), 2)
        )
        assert a > 2 * b and d > 2 * c
        assert np.isnan(track["segments/values/tempo"]).tolist() == [True, False]


def test_every_track_once_in_the_written_order(synthetic):
    rows = list(read_tracks(synthetic, "train"))
    # Two shards, dealt in turn.
    assert ids(rows) == [f"t{n:03d}" for n in [*range(0, 40, 2), *range(1, 40, 2)]]
    assert set(rows[0]) == set(SCHEMA.fields)
    assert rows[0]["log_mel"].dtype == np.float16 and rows[0]["log_mel"].shape == (430, 128)
    assert isinstance(rows[0]["artist"], str) and rows[0]["tags/genre"].dtype == np.int64


@pytest.mark.slow
def test_a_seed_gives_orders_of_its_own(synthetic):
    passes = {seed: passes_of(synthetic, seed, 3) for seed in range(4)}
    written = ids(read_tracks(synthetic, "train"))
    assert all(sorted(one) == sorted(written) for found in passes.values() for one in found)
    assert passes_of(synthetic, 2, 3) == passes[2]
    assert len({tuple(one) for found in passes.values() for one in found}) == 12
    assert set(next(endless_tracks(synthetic, "train", 0))) == set(SCHEMA.fields)


def test_ten_passes_are_one_graph(synthetic, monkeypatch):
    shuffle, traced = tf.data.Dataset.shuffle, []
    monkeypatch.setattr(
        tf.data.Dataset, "shuffle", lambda *given, **named: traced.append(1) or shuffle(*given, **named)
    )
    assert len(passes_of(synthetic, 0, 10)) == 10 and len(traced) == 1


@pytest.mark.parametrize("program", [0, 7])
def test_a_seeds_orders_do_not_hang_on_the_programs_own_seed(synthetic, program):
    expected = passes_of(synthetic, 5, 2)
    tf.random.set_seed(program)
    drawn = tf.random.uniform([])
    tf.random.set_seed(program)
    assert passes_of(synthetic, 5, 2) == expected
    assert tf.random.uniform([]) == drawn  # nor the other way round


def passes_of(dataset, seed, count):
    rows, size = ids(itertools.islice(endless_tracks(dataset, "train", seed), 40 * count)), 40
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_rows_hold_what_was_written(synthetic):
    written = synthetic_track(0, np.random.default_rng(0))
    row = next(read_tracks(synthetic, "train"))
    np.testing.assert_array_equal(row["log_mel"], written["log_mel"])
    assert row["tags/genre"].tolist() == written["tags/genre"]
    assert row["tags/instrument"].tolist() == written["tags/instrument"]
    assert row["values/tempo"] == np.float32(written["values/tempo"])


@pytest.mark.parametrize("read", [read_tracks, lambda *place, **named: endless_tracks(*place, seed=0, **named)])
def test_a_field_that_the_records_lack_is_no_damage(synthetic, read):
    with pytest.raises(ValueError, match="audio: this dataset's records have no such field") as caught:
        next(read(synthetic, "train", optional=["audio"]))
    assert not isinstance(caught.value, UserError)


def test_an_empty_split_is_named(synthetic):
    for split in ("holdout", "empty"):
        dataset = dataclasses.replace(synthetic, splits={**synthetic.splits, "empty": ()})
        with pytest.raises(UserError, match=f"split '{split}' holds no track .filled splits: train, valid, test"):
            next(read_tracks(dataset, split))


def test_a_missing_shard_is_named(copy):
    path = copy.files("valid")[1]
    (copy.folder / path).unlink()
    with pytest.raises(UserError, match="valid-00001.*missing; build the dataset again"):
        next(read_tracks(copy, "valid"))


def record_lengths(path):
    return [len(record) + 16 for record in tf.data.TFRecordDataset(path).as_numpy_iterator()]  # TFRecord's frame


@pytest.mark.parametrize("read", [read_tracks, lambda *place: itertools.islice(endless_tracks(*place, seed=0), 30)])
@pytest.mark.parametrize("cut", ["half", "within the first", "between two records", "empty"])
def test_a_shard_that_was_cut_short_is_one_line(copy, cut, read):
    path = copy.files("valid")[1]
    content, lengths = open(path, "rb").read(), record_lengths(path)
    assert sum(lengths) == len(content)
    kept = {"half": len(content) // 2, "within the first": 100, "between two records": sum(lengths[:2]), "empty": 0}
    with open(path, "wb") as file:
        file.write(content[: kept[cut]])
    with pytest.raises(UserError, match="split 'valid'.*build the dataset again") as caught:
        list(read(copy, "valid"))
    assert "\n" not in str(caught.value)


def test_a_flipped_byte_is_one_line(copy):
    path = copy.files("valid")[0]
    content = bytearray(open(path, "rb").read())
    content[len(content) // 3] ^= 0xFF
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(UserError, match="split 'valid'.*damaged") as caught:
        list(read_tracks(copy, "valid"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "record, why", [(b"no example", "is no tf.train.Example"), (b"", "track_id: holds 0 values, not one")]
)
def test_records_of_another_schema_are_one_line(copy, record, why):
    with tf.io.TFRecordWriter(copy.files("valid")[0]) as writer:
        writer.write(record)
    with pytest.raises(UserError, match=rf"split 'valid' cannot be read \({why}.*build the dataset again") as caught:
        list(read_tracks(copy, "valid"))
    assert "\n" not in str(caught.value)


def test_label_arrays_hold_each_rows_labels(synthetic):
    rows = list(read_tracks(synthetic, "test"))
    labels = label_arrays(SCHEMA, rows)
    assert set(labels) == {"genre", "instrument", "mood", "tempo", "artist", "track"}
    artists = sorted({row["artist"] for row in rows})
    for n, row in enumerate(rows):
        for name in SCHEMA.vocabularies:
            assert [t for t in labels[name][n] if t >= 0] == row[f"tags/{name}"].tolist()
        assert labels["artist"][n].tolist() == [artists.index(row["artist"])]
        np.testing.assert_equal(labels["tempo"][n], row["values/tempo"])
    assert np.isnan(labels["tempo"]).any() and (labels["mood"] < 0).any()
    assert labels["track"].tolist() == list(range(16))
    assert {name: column.dtype for name, column in labels.items()} == {
        **dict.fromkeys(("genre", "instrument", "mood", "artist", "track"), np.int32),
        "tempo": np.float32,
    }


def test_an_unnamed_artist_is_unlabelled():
    rows = [{**synthetic_track(n, np.random.default_rng(n)), "artist": name} for n, name in enumerate(["b", "", "a"])]
    assert label_arrays(SCHEMA, rows)["artist"].tolist() == [[1], [-1], [0]]


def test_label_arrays_of_nothing():
    labels = label_arrays(SCHEMA, [])
    assert labels["genre"].shape == (0, 1) and labels["artist"].shape == (0, 1) and labels["tempo"].shape == (0,)


def test_pad_ids():
    assert pad_ids([np.array([3, 1]), np.array([], int), np.array([7])]).tolist() == [[3, 1], [-1, -1], [7, -1]]
    assert pad_ids([np.array([], int)]).tolist() == [[-1]]
    assert pad_ids([]).shape == (0, 1)


def test_repeat_labels_repeats_each_column():
    labels = {"genre": np.array([[0], [1], [2]], np.int32), "track": np.arange(3, dtype=np.int32)}
    repeated = repeat_labels(labels, np.array([2, 2, 0]), np.array([5, 70, 0]))
    assert repeated["genre"].tolist() == [[2], [2], [0]] and repeated["track"].tolist() == [2, 2, 0]
    assert repeated["start"].tolist() == [5, 70, 0] and repeated["start"].dtype == np.int32


def test_each_artist_of_a_track_is_a_label():
    rows = [{"artist": name} for name in ("Bob|Ann", "", "Cem", "Ann")]
    labels = label_arrays(Schema({}, ()), rows)
    assert labels["artist"].tolist() == [[1, 0], [-1, -1], [2, -1], [0, -1]]
