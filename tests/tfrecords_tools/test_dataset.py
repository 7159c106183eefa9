"""dataset.json: saved and loaded, refused where a reader could not trust it."""

import dataclasses
import json

import pytest

from tfrecords_tools.dataset import FILE_NAME, Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import Schema


@pytest.fixture
def saved(tmp_path):
    """A saved dataset: one shard of two tracks in train, an empty shard in valid, nothing in test."""
    (tmp_path / "x-train-00000-of-00001.tfrecord").touch()
    dataset = Dataset(
        tmp_path,
        "x",
        Schema({"genre": ("jazz", "röck")}, ("tempo",)),
        LogMel(),
        {
            "train": (Shard("x-train-00000-of-00001.tfrecord", 2, "ab"),),
            "valid": (Shard("x-valid-00000-of-00001.tfrecord", 0, "cd"),),
            "test": (),
        },
        "CC0",
    )
    dataset.save()
    return dataset


def _change(dataset: Dataset, **changes) -> None:
    path = dataset.folder / FILE_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_round_trip(saved):
    assert Dataset.load(saved.folder) == saved
    assert Dataset.load(str(saved.folder)) == saved


def test_what_segments_label_is_kept_in_a_second_version(saved):
    segmented = dataclasses.replace(saved, schema=dataclasses.replace(saved.schema, segmented=("genre", "tempo")))
    before = json.loads((saved.folder / FILE_NAME).read_text())
    segmented.save()
    assert Dataset.load(saved.folder) == segmented
    changed = {"schema_version": 2, "segmented": ["genre", "tempo"]}
    assert json.loads((saved.folder / FILE_NAME).read_text()) == {**before, **changed}
    assert before["schema_version"] == 1 and "segmented" not in before
    for malformed in (["colour"], None):
        _change(segmented, segmented=malformed)
        with pytest.raises(UserError, match="a field is missing or malformed .*build the dataset again"):
            Dataset.load(saved.folder)


def test_a_dataset_of_a_newer_version_asks_for_a_newer_reader(saved):
    _change(saved, schema_version=3)
    with pytest.raises(UserError, match="schema version 3, this code reads 1 and 2; take a newer dmml, or build"):
        Dataset.load(saved.folder)


def test_saving_twice_gives_the_same_bytes_and_leaves_nothing_else(saved):
    before = (saved.folder / FILE_NAME).read_bytes()
    saved.save()
    assert (saved.folder / FILE_NAME).read_bytes() == before
    assert {path.name for path in saved.folder.iterdir()} == {FILE_NAME, "x-train-00000-of-00001.tfrecord"}


def test_counts_and_files(saved):
    assert [saved.tracks(split) for split in ("train", "valid", "test", "other")] == [2, 0, 0, 0]
    assert saved.files("train") == [str(saved.folder / "x-train-00000-of-00001.tfrecord")]


@pytest.mark.parametrize("split", ["valid", "test", "other"])
def test_an_empty_split_is_refused_and_the_filled_named(saved, split):
    with pytest.raises(UserError, match=f"split '{split}' holds no track .filled splits: train"):
        saved.files(split)


def test_a_missing_shard_is_named(saved):
    (saved.folder / "x-train-00000-of-00001.tfrecord").unlink()
    with pytest.raises(UserError, match="x-train-00000-of-00001.tfrecord: listed in dataset.json but missing"):
        saved.files("train")


@pytest.mark.parametrize("figure, value", [("hop", 256), ("n_mels", 64), ("sample_rate", 16_000), ("gain", 1.0)])
def test_other_figures_are_refused_and_both_named(saved, figure, value):
    with pytest.raises(UserError, match=f"{figure}={getattr(LogMel(), figure)}, this model needs {figure}={value}"):
        Dataset.load(saved.folder, LogMel(**{figure: value}))


def test_no_dataset_tells_how_to_build_one(tmp_path):
    with pytest.raises(UserError, match="not found; build one with: dmml-records build"):
        Dataset.load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"schema_version": 99}', b"\xff\xfe"])
def test_malformed_json_is_refused(saved, text):
    (saved.folder / FILE_NAME).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match="dataset.json: .*build the dataset again"):
        Dataset.load(saved.folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"features": None},
        {"features": {}},
        {"tags": ["genre"]},
        {"tags": {"genre": 3}},
        {"values": None},
        {"splits": {"train": {}}},
        {"splits": {"train": {"shards": [{"file": "x"}]}}},
        {"splits": []},
        {"features": {**LogMel().__dict__, "colour": "red"}},
    ],
)
def test_a_malformed_field_is_refused(saved, changes):
    _change(saved, **changes)
    with pytest.raises(UserError, match="dataset.json: .*build the dataset again"):
        Dataset.load(saved.folder)


def test_a_missing_field_is_refused(saved):
    path = saved.folder / FILE_NAME
    content = json.loads(path.read_text())
    del content["licence"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="licence"):
        Dataset.load(saved.folder)


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        Dataset.load(tmp_path)


def test_a_dataset_at_a_loudness_is_read_by_all_but_a_model_of_another(saved):
    levelled = dataclasses.replace(saved, features=LogMel(loudness=-16.0))
    levelled.save()
    assert Dataset.load(saved.folder) == Dataset.load(saved.folder, LogMel(loudness=-16.0)) == levelled
    for other, wanted in ((None, "None"), (-14.0, "-14.0")):
        with pytest.raises(UserError, match=rf"built with loudness=-16.0, this model needs loudness={wanted}"):
            Dataset.load(saved.folder, LogMel(loudness=other))


def test_a_dataset_from_before_there_was_a_loudness_has_none(saved):
    features = json.loads((saved.folder / FILE_NAME).read_text())["features"]
    del features["loudness"]
    _change(saved, features=features)
    assert Dataset.load(saved.folder) == Dataset.load(saved.folder, LogMel()) == saved
    with pytest.raises(UserError, match=r"built with loudness=None, this model needs loudness=-16.0"):
        Dataset.load(saved.folder, LogMel(loudness=-16.0))
