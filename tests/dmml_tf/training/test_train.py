"""Training end to end on made data, narrow: the run folder, resuming, the same again, bad input."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from dmml_tf.conditions import SharedTag
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.records import read_tracks
from dmml_tf.run import Run
from dmml_tf.training.train import conditions_from_config, divide_steps, file_digests, measure_pipeline, train
from tests.synthetic import tiny_config, write_dataset
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema

pytestmark = pytest.mark.trains
NAMES = ("genre", "mood", "instrument", "tempo", "track")


@pytest.fixture(scope="module")
def trained(synthetic, tmp_path_factory):
    """One finished run of 3 epochs of 10 steps, and the embeddings its network gave when training ended."""
    folder, kept = tmp_path_factory.mktemp("runs") / "run", []
    with pytest.MonkeyPatch.context() as patch:
        save = Run.save
        patch.setattr(Run, "save", lambda run, model: (kept.append(model), save(run, model)))
        run = train(tiny_config(), synthetic.folder, folder)
    return run, np.asarray(kept[0](windows(synthetic)))


def windows(dataset):
    return np.stack([row["log_mel"][:129] for row in read_tracks(dataset, "test")]).astype(np.float32)


def history(run):
    with (run.folder / "history.csv").open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_it_learns(trained):
    rows = history(trained[0])
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    assert rows[-1]["spread"] > 0.05


def test_the_history_has_every_scalar(trained):
    watched = [*(f"accuracy_{name}" for name in NAMES), "active", "d_ap", "d_an", "loss"]
    expected = {"epoch", "learning_rate", "spread", "windows_per_s", *watched, *(f"val_{name}" for name in watched)}
    assert set(history(trained[0])[0]) == expected


def test_the_run_folder(trained, synthetic):
    run, _ = trained
    left = {path.name for path in run.folder.iterdir()}
    assert left == {
        "config.json",
        "model.json",
        "embedding.keras",
        "embedding.weights.h5",
        "history.csv",
        "tensorboard",
    }
    assert list((run.folder / "tensorboard" / "train").iterdir())
    config = json.loads((run.folder / "config.json").read_text(encoding="utf-8"))
    assert config["data"] == str(synthetic.folder) and config["train"]["steps"] == 30


def test_the_loaded_run_embeds_as_the_trained_network_did(trained, synthetic):
    run, expected = trained
    loaded = Run.load(run.folder)
    assert loaded.conditions == run.conditions and loaded.conditions.names == NAMES
    assert (loaded.features, loaded.schema) == (synthetic.features, synthetic.schema)
    found = np.asarray(loaded.embedding()(windows(synthetic)))
    assert found.shape == (16, 256) and np.ptp(found, axis=0).max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_second_call_finds_it_trained(trained, synthetic, capsys, monkeypatch):
    monkeypatch.setattr("dmml_tf.training.train.build_embedding", None)  # would be called if it trained again
    again = train(tiny_config(), synthetic.folder, trained[0].folder)
    assert again.conditions == trained[0].conditions
    assert "already trained" in capsys.readouterr().out


def test_another_configuration_in_the_folder_is_refused(trained, synthetic, tmp_path):
    with pytest.raises(UserError, match="another configuration or of other data; choose another --run") as caught:
        train(tiny_config(steps=40), synthetic.folder, trained[0].folder)
    assert str(trained[0].folder) in str(caught.value)


def test_an_interrupted_training_ends_as_the_uninterrupted_one(eagerly, synthetic, tmp_path, capsys):
    """The same seed gives the same history, whether or not a kill came in the middle of the third epoch."""
    config = tiny_config(steps=6, steps_per_epoch=2)
    whole = train(config, synthetic.folder, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:

        def interrupt(line, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            logs["windows_per_s"] = 0.0

        patch.setattr("dmml_tf.training.train.EpochLine.on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(config, synthetic.folder, tmp_path / "run")
    assert not (tmp_path / "run" / "model.json").exists()
    resumed = train(config, synthetic.folder, tmp_path / "run")
    assert "resuming after epoch 2 of 3" in capsys.readouterr().out
    for mine, theirs in zip(history(resumed), history(whole), strict=True):
        del mine["windows_per_s"], theirs["windows_per_s"]
        assert mine == pytest.approx(theirs, abs=1e-6)
    for mine, theirs in zip(resumed.embedding().get_weights(), whole.embedding().get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def without(dataset, column):
    schema = Schema(
        {n: t for n, t in dataset.schema.vocabularies.items() if n != column},
        tuple(n for n in dataset.schema.values if n != column),
    )
    return dataclasses.replace(dataset, schema=schema)


@pytest.mark.parametrize("column", ["mood", "tempo"])
def test_a_column_the_data_lacks_drops_its_condition_and_says_so(synthetic, column, monkeypatch):
    said = []
    monkeypatch.setattr("dmml_tf.training.train.logging.warning", lambda text, *values: said.append(text % values))
    found = conditions_from_config(tiny_config(), without(synthetic, column))
    assert found.names == tuple(name for name in NAMES if name != column) and found.size == 192
    assert len(said) == 1 and f"no column '{column}'" in said[0] and str(synthetic.folder) in said[0]


def test_conditions_come_in_the_configured_order(synthetic):
    config = tiny_config()
    config.order, config.embedding = ("tempo", "genre"), 128
    config.conditions.artist = {"kind": "shared_tag", "width": 8}
    assert conditions_from_config(config, synthetic).names == ("tempo", "genre")
    config.order, config.embedding = ("artist",), 8
    assert list(conditions_from_config(config, synthetic)) == [SharedTag("artist", width=8)]
    config.order = ("genre", "era")
    with pytest.raises(UserError, match="config.order names 'era', config.conditions has: "):
        conditions_from_config(config, synthetic)


def test_widths_that_do_not_add_up_are_one_line(synthetic):
    config = tiny_config()
    config.conditions.mood.width = 32
    with pytest.raises(UserError, match="conditions add up to 224, config.embedding is 256; make them equal"):
        conditions_from_config(config, synthetic)


def test_a_shard_cut_short_while_training_is_one_line(eagerly, tmp_path):
    dataset = write_dataset(tmp_path / "data", {"train": 12, "valid": 8})
    path = dataset.files("train")[1]
    content = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
    with pytest.raises(UserError, match="split 'train'.*cut short") as caught:
        train(tiny_config(steps=2, steps_per_epoch=2), dataset.folder, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "model.json").exists()


def test_no_dataset_is_one_line(tmp_path):
    with pytest.raises(UserError, match="dataset.json: not found"):
        train(tiny_config(), tmp_path / "none", tmp_path / "run")


@pytest.mark.parametrize(
    "steps, per_epoch, expected",
    [
        (30, 10, (3, 10)),
        (30, 25, (2, 15)),
        (1000, 2000, (1, 1000)),
        (200_000, 2000, (100, 2000)),
        (1, 1, (1, 1)),
        (51, 25, (3, 17)),
        (7, 3, (3, 3)),
    ],
)
def test_steps_are_divided_into_even_epochs(steps, per_epoch, expected):
    assert divide_steps(steps, per_epoch) == expected


@pytest.mark.parametrize("steps, per_epoch", [(0, 5), (5, 0), (-1, 1)])
def test_no_steps_are_refused(steps, per_epoch):
    with pytest.raises(UserError, match="must be 1 or more"):
        divide_steps(steps, per_epoch)


def test_the_pipelines_rate_is_measured(synthetic):
    conditions = conditions_from_config(tiny_config(), Dataset.load(synthetic.folder))
    assert measure_pipeline(synthetic, "train", conditions, BatchPlan(4, 2, 16, 8), batches=3) > 0


def test_the_files_a_configuration_names_are_known_by_their_content(tmp_path):
    votes, words = tmp_path / "votes.csv", tmp_path / "words.txt"
    config = tiny_config()
    assert file_digests(config) == {}
    config.conditions.votes = {"kind": "judged", "file": str(votes)}
    config.zero_shot = {"words": str(words)}
    config.order = ("votes", "genre")
    assert file_digests(config) == {}  # what is missing is said by its reader
    votes.write_text("a", encoding="utf-8")
    words.write_text("b", encoding="utf-8")
    first = file_digests(config)
    assert list(first) == ["conditions.votes.file_sha256", "zero_shot.words_sha256"]
    words.write_text("c", encoding="utf-8")
    assert file_digests(config)["zero_shot.words_sha256"] != first["zero_shot.words_sha256"]
