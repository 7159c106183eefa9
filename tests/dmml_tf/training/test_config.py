"""The layout of earlier runs' configurations, read as today's."""

import pytest

from dmml_tf import configs
from dmml_tf.training.config import as_ever, in_todays_layout, load_data
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.dataset import Dataset


def earlier(config: dict, objective: str, schedule: str) -> dict:
    """The same configuration as runs saved it before objective and schedule were groups."""
    train = {name: value for name, value in config["train"].items() if name != "schedule"}
    train |= {"margin": 0.1, "mining": "random", "patience": 4, "divide_by": 5.0, "drops": 5, "warmup": 0}
    train |= config["train"]["schedule"] | {"schedule": schedule}
    fields = dict(config["objective"])
    train |= {"mining" if name == "miner" else name: value for name, value in fields.items()}
    del train["name"]
    return {**config, "objective": objective, "train": train, "batch": dict(config["batch"])}


@pytest.mark.parametrize("name", ["demo", "disentangled_track", "semi_hard", "proxy", "zero_shot", "learned_mask"])
def test_an_earlier_runs_configuration_is_todays(name):
    today = configs.getter(name)().to_dict()
    before = earlier(today, today["objective"]["name"], today["train"]["schedule"]["name"])
    assert before != today
    del before["batch"]["gain_db"]
    assert in_todays_layout(before) == today
    assert in_todays_layout(today) == today


def test_a_run_of_one_device_and_one_precision_did_not_say_so():
    today = configs.load("demo").to_dict()
    before = {**today, "train": {k: v for k, v in today["train"].items() if k not in ("devices", "precision")}}
    assert in_todays_layout(before)["train"] == today["train"] and today["train"]["devices"] == 1


def test_a_run_from_before_segments_is_of_data_without_any():
    today = configs.load("demo")
    before = today.to_dict()
    del before["segments"]
    assert in_todays_layout(before) == today.to_dict()
    assert "segments" not in as_ever(today), "kept figures of tables are found by the configuration of before"
    today.segments = False
    assert in_todays_layout(today.to_dict()) != in_todays_layout(before) and as_ever(today).segments is False


def test_data_are_read_with_their_segments_or_without(tmp_path):
    write_dataset(tmp_path, {"train": 4}, frames=130, segments=True)
    config = configs.load("demo")
    assert load_data(config, tmp_path) == Dataset.load(tmp_path) and load_data(config, tmp_path).schema.segmented
    config.segments = False
    assert load_data(config, tmp_path).schema == SCHEMA
    del config.segments  # one of the user's own from before there were any
    assert load_data(config, tmp_path).schema.segmented
