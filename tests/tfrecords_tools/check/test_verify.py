"""Verify: a sound dataset passes; each kind of damage is found and named with shard, record and offset."""

import dataclasses
import hashlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.tfrecords_tools.made_tables import made_dataset
from tfrecords_tools.check.framing import read_records
from tfrecords_tools.check.record import check_record
from tfrecords_tools.check.verify import verify
from tfrecords_tools.cli import main
from tfrecords_tools.dataset import Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import TRACKS_FILE

FRAMES = 135


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Dataset:
    """Sound: 7 tracks in two shards of train, 3 in valid."""
    return made_dataset(tmp_path_factory.mktemp("sound"), {"train": 7, "valid": 3}, FRAMES)


@pytest.fixture
def copy(original, tmp_path) -> Dataset:
    shutil.copytree(original.folder, tmp_path / "d")
    return Dataset.load(tmp_path / "d")


def _records(dataset: Dataset, shard: Shard) -> list[tuple[int, bytes]]:
    with open(dataset.folder / shard.file, "rb") as file:
        return list(read_records(file))


def _rewrite(dataset: Dataset, split: str, place: int, change) -> Shard:
    """Writes a shard with `change(records)` and right checksums, in file and dataset.json; returns it."""
    shard = dataset.splits[split][place]
    records = change([data for _, data in _records(dataset, shard)])
    path = dataset.folder / shard.file
    with tf.io.TFRecordWriter(str(path)) as writer:
        for data in records:
            writer.write(data)
    new = Shard(shard.file, len(records), hashlib.sha256(path.read_bytes()).hexdigest())
    shards = tuple(new if one is shard else one for one in dataset.splits[split])
    dataclasses.replace(dataset, splits={**dataset.splits, split: shards}).save()
    return new


def _edit(data: bytes, **changes) -> bytes:
    """A record with fields replaced: a list of numbers, bytes, or None to leave the field out."""
    example = tf.train.Example.FromString(data)
    for name, value in changes.items():
        feature = example.features.feature[name]
        feature.Clear()
        if value is None:
            del example.features.feature[name]
        elif isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif all(isinstance(number, int) for number in value):
            feature.int64_list.value.extend(value)
        else:
            feature.float_list.value.extend(value)
    return example.SerializeToString(deterministic=True)


def _fault(dataset: Dataset) -> str:
    with pytest.raises(UserError) as error:
        verify(Dataset.load(dataset.folder))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_sound_dataset_passes_and_is_summed_up(original, capsys):
    found = verify(original)
    size = sum(path.stat().st_size for path in original.folder.glob("*.tfrecord"))
    assert (found.records, found.bytes) == (10, size)
    assert found.hours == pytest.approx(10 * FRAMES * 512 / 22_050 / 3600)
    assert main(["verify", f"--data={original.folder}"]) == 0
    out, err = capsys.readouterr()
    assert "10 records sound: 0.01 h of audio" in out and "10/10" in err


@pytest.mark.parametrize(
    "within, reason", [(2000, "data differ"), (3, "length differs"), (9, "length differs"), (-2, "data differ")]
)
def test_a_flipped_byte_is_placed(copy, within, reason, capsys):
    shard = copy.splits["train"][1]
    offset = _records(copy, shard)[2][0]
    path = copy.folder / shard.file
    content = bytearray(path.read_bytes())
    content[within if within < 0 else offset + within] ^= 0x10
    path.write_bytes(content)
    assert main(["verify", f"--data={copy.folder}"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"{shard.file}: record 3 at byte {offset}: its {reason}" in line and "copy the file again" in line


@pytest.mark.parametrize("left, number, reason", [(-1, 4, "ends in its data"), (5, 1, "in its length, after 5 of")])
def test_a_truncated_file(copy, left, number, reason):
    shard = copy.splits["train"][0]
    offset = _records(copy, shard)[number - 1][0]
    path = copy.folder / shard.file
    path.write_bytes(path.read_bytes()[:left])
    text = _fault(copy)
    assert f"{shard.file}: record {number} at byte {offset}: " in text and reason in text


def test_a_file_truncated_between_two_records(copy):
    shard = copy.splits["train"][0]
    end = _records(copy, shard)[3][0]
    path = copy.folder / shard.file
    path.write_bytes(path.read_bytes()[:end])
    assert f"{shard.file}: ends after record 3 at byte {end}, dataset.json lists 4" in _fault(copy)


def test_a_missing_shard_is_said_before_anything_is_read(copy):
    (copy.folder / copy.splits["valid"][1].file).unlink()
    (copy.folder / copy.splits["train"][0].file).write_bytes(b"damaged")
    assert f"{copy.splits['valid'][1].file}: listed in dataset.json but missing" in _fault(copy)


def test_an_extra_record(copy):
    shard = copy.splits["valid"][0]
    path = copy.folder / shard.file
    end = path.stat().st_size
    path.write_bytes(path.read_bytes() + (copy.folder / copy.splits["valid"][1].file).read_bytes())
    assert f"{shard.file}: record 3 at byte {end}: is one too many: dataset.json lists 2" in _fault(copy)


@pytest.mark.parametrize("more", [1, -1])
def test_a_count_that_differs(copy, more):
    shard = copy.splits["train"][1]
    changed = dataclasses.replace(shard, records=shard.records + more)
    dataclasses.replace(copy, splits={**copy.splits, "train": (copy.splits["train"][0], changed)}).save()
    assert f"{shard.file}: " in _fault(copy)
    assert f"dataset.json lists {3 + more} records" in _fault(copy)


def test_another_builds_shard_is_told_by_its_sha256(copy):
    shard = copy.splits["train"][0]
    _rewrite(copy, "train", 0, lambda records: records[::-1])
    dataclasses.replace(copy).save()  # dataset.json as it was
    assert f"{shard.file}: all 4 records are whole, but its SHA-256" in _fault(copy)


NAN = np.full((FRAMES, 128), 0.5, np.float16)
NAN[17, 3] = np.nan


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"log_mel": NAN.tobytes()}, "log_mel: not finite in row 17"),
        ({"log_mel": b"x" * 1001}, "log_mel: has 1001 bytes, which are not whole rows of 256"),
        ({"log_mel": bytes(256 * 150)}, "log_mel: has 150 frames where a duration of 3.135 s gives 135"),
        ({"log_mel": None}, "log_mel: the record has no such field"),
        ({"tags/genre": [1, 3]}, "tags/genre: id 3 is outside the vocabulary of 3 tags"),
        ({"tags/mood": [-1]}, "tags/mood: id -1 is outside the vocabulary of 2 tags"),
        ({"tags/genre": [0.5]}, "tags/genre: holds a float_list, not a int64_list"),
        ({"values/tempo": [float("inf")]}, "values/tempo: is inf"),
        ({"values/tempo": [120.0, 121.0]}, "values/tempo: holds 2 values, not one"),
        ({"duration": [0.0]}, "duration: is 0 s"),
        ({"duration": [float("nan")]}, "duration: is nan"),
        ({"track_id": b""}, "track_id: is empty"),
        ({"artist": b"\xff"}, "artist: is not UTF-8"),
        ({"title": None}, "title: the record has no such field"),
    ],
)
def test_a_record_that_breaks_the_schema(copy, changes, reason):
    shard = copy.splits["train"][1]
    _rewrite(copy, "train", 1, lambda records: [records[0], _edit(records[1], **changes), records[2]])
    offset = _records(copy, shard)[1][0]
    assert f"{shard.file}: record 2 at byte {offset}: {reason}" in _fault(copy)


def test_data_that_are_no_example(copy):
    shard = _rewrite(copy, "valid", 1, lambda records: [b"\xffno example"])
    assert f"{shard.file}: record 1 at byte 0: is no tf.train.Example" in _fault(copy)


def test_a_field_that_the_schema_does_not_name_is_passed_over(copy):
    _rewrite(copy, "train", 0, lambda records: [_edit(data, audio=b"fLaC...") for data in records])
    assert verify(Dataset.load(copy.folder)).records == 10


@pytest.mark.parametrize(
    "samples, reason",
    [
        (FRAMES * 512, ""),
        (FRAMES * 512 + 600, "audio: has 69720 samples where a duration of 3.135 s gives 69120"),
    ],
)
def test_audio_is_as_long_as_the_duration_says(copy, samples, reason):
    schema = dataclasses.replace(copy.schema, optional=("audio",))
    with_audio = _edit(_records(copy, copy.splits["train"][0])[0][1], audio=bytes(2 * samples))
    if reason:
        with pytest.raises(ValueError, match=reason):
            check_record(with_audio, schema, copy.features)
    else:
        assert check_record(with_audio, schema, copy.features).track_id == "t000"


def test_a_record_without_the_datasets_audio(copy):
    schema = dataclasses.replace(copy.schema, optional=("audio",))
    with pytest.raises(ValueError, match="audio: the record has no such field"):
        check_record(_records(copy, copy.splits["train"][0])[0][1], schema, copy.features)


def test_infinity_is_not_finite(copy):
    mel = np.full((FRAMES, 128), 0.5, np.float16)
    mel[134, 127] = -np.inf
    _rewrite(copy, "train", 0, lambda records: [_edit(records[0], log_mel=mel.tobytes())])
    assert "record 1 at byte 0: log_mel: not finite in row 134" in _fault(copy)


def test_one_track_id_twice(copy):
    first, second = copy.splits["train"][1], copy.splits["valid"][1]
    twin = _records(copy, first)[1][1]
    _rewrite(copy, "valid", 1, lambda records: [twin])
    assert (
        f"{second.file}: record 1 at byte 0: has the track_id of {first.file}: record 2 at byte "
        f"{_records(copy, first)[1][0]}"
    ) in _fault(copy)


def _lines(dataset: Dataset) -> list[str]:
    return (dataset.folder / TRACKS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)


def _write(dataset: Dataset, lines: list[str]) -> None:
    (dataset.folder / TRACKS_FILE).write_text("".join(lines), encoding="utf-8")


def test_rows_may_come_in_any_order(copy):
    header, *rows = _lines(copy)
    _write(copy, [header, *rows[::-1]])
    assert verify(copy).records == 10


def test_tracks_csv_with_a_row_too_few_names_the_record(copy):
    lines = _lines(copy)
    _write(copy, lines[:6] + lines[7:])  # track 5, the third record of the second shard
    shard = copy.splits["train"][1]
    offset = _records(copy, shard)[2][0]
    assert f"{shard.file}: record 3 at byte {offset}: tracks.csv has no row for it (9 rows, 10 records)" in _fault(copy)


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda lines: [*lines, "new,Title,Ann,train,3.135,x,folk,,,\n"], "line 12: no record has the track_id 'new'"),
        (lambda lines: lines + lines[3:4], "line 12: a second row of the track_id 't002'"),
        (
            lambda lines: [*lines[:3], lines[3].replace("3.135", "3.235"), *lines[4:]],
            "line 4: duration 3.235 s differs from the 3.135 s of synthetic-train-00000",
        ),
        (
            lambda lines: [*lines[:3], lines[3].replace("train", "valid"), *lines[4:]],
            "line 4: split, artist, title, tags",
        ),
        (lambda lines: [*lines[:3], lines[3].replace("artist 2", "artist 9"), *lines[4:]], "line 4: split, artist"),
        (lambda lines: [*lines[:3], lines[3].rsplit(",", 1)[0] + ",77\n", *lines[4:]], "line 4: split, artist, title"),
        (lambda lines: [*lines[:3], "t002,too,few\n", *lines[4:]], "line 4: has 3 cells, the header 10"),
    ],
)
def test_a_row_that_differs_is_named(copy, change, reason):
    _write(copy, change(_lines(copy)))
    assert f"{TRACKS_FILE}: {reason}" in _fault(copy)


def test_no_tracks_csv(copy):
    (copy.folder / TRACKS_FILE).unlink()
    assert f"{TRACKS_FILE}: not found; build the dataset again" in _fault(copy)
