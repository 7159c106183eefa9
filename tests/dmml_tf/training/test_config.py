"""The layout of earlier runs' configurations, read as today's."""

import pytest

from dmml_tf import configs
from dmml_tf.training.config import in_todays_layout


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
