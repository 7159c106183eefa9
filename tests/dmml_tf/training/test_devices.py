"""Two virtual devices and two workers on loopback train as one device does; what cannot be trained so is one line."""

import csv
import json
import os
import socket
import subprocess
import sys

import pytest
from tensorflow import keras

from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.training.devices import Devices, choose_devices
from dmml_tf.training.train import train
from tests.synthetic import tiny_config, write_dataset
from tfrecords_tools.errors import UserError

pytestmark = [pytest.mark.trains, pytest.mark.spawns]
KERAS_3 = hasattr(keras, "distribution")


def start(mode, data, folder, tf_config=None, dies=()):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if tf_config is not None:
        environment["TF_CONFIG"] = json.dumps(tf_config)
    command = [sys.executable, "-m", "tests.dmml_tf.training.on_devices", mode, str(data), str(folder), *dies]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def history(folder):
    with (folder / "history.csv").open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """40 / 12 tracks in two shards a split."""
    return write_dataset(tmp_path_factory.mktemp("devices"), {"train": 40, "valid": 12, "test": 4}).folder


@pytest.fixture(scope="module")
def virtual(data, tmp_path_factory):
    """Folder of the runs `all` (two virtual devices) and `one`, and what was printed."""
    folder = tmp_path_factory.mktemp("virtual")
    process = start("virtual", data, folder)
    printed, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    return folder, printed


def test_two_devices_train_as_one_on_the_same_batches(virtual):
    folder, printed = virtual
    both, one = history(folder / "all"), history(folder / "one")
    assert len(both) == 5
    for mine, theirs in zip(both, one, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
        assert mine["d_ap"] == pytest.approx(theirs["d_ap"], abs=1e-3)
    drawn = json.loads(printed.rpartition("triplets drawn: ")[2])
    assert any(first != second for first, second in drawn)  # the mean of means would be another


def test_mined_triplets_and_tags_are_counted_over_all_replicas(virtual):
    lines = [line.removeprefix("loss: ") for line in virtual[1].splitlines() if line.startswith("loss: ")]
    assert len(lines) == 3
    for line in lines:
        values, gradient, whole, wanted = json.loads(f"[{line[1:-1].replace('] [', ', ')}]")
        assert sum(values) / 2 == pytest.approx(whole, abs=1e-6) and gradient == pytest.approx(wanted, abs=1e-6)


@pytest.mark.skipif(KERAS_3, reason="the fit of Keras 3 knows no several workers")
def test_a_worker_is_killed_and_all_go_on_after_the_last_epoch(virtual, data, tmp_path):
    cluster, tasks = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}, []
    for dies, stays in ((["3"], ["0"]), ([], [])):
        tasks = [{"cluster": cluster, "task": {"type": "worker", "index": number}} for number in range(2)]
        chief = start("workers", data, tmp_path / "run", tasks[0], stays)
        other = start("workers", data, tmp_path / "run", tasks[1], dies)
        (printed, errors), _ = chief.communicate(timeout=600), other.communicate(timeout=600)
        if dies:
            assert other.returncode == 9 and chief.returncode != 0
            assert "UserError: worker 0 of 2: another worker is gone" in errors
    assert (chief.returncode, other.returncode) == (0, 0), errors[-3000:]
    assert "resuming after epoch 2 of 5" in printed
    for mine, theirs in zip(history(tmp_path / "run"), history(virtual[0] / "all"), strict=True):
        mine.pop("windows_per_s"), theirs.pop("windows_per_s")
        assert mine == pytest.approx(theirs, abs=1e-4)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {path.name for path in (virtual[0] / "all").iterdir()}


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_each_process_has_its_own_parts():
    devices = [Devices(None, 4, worker, 2) for worker in range(2)]
    assert [[part.number for part in each.parts] for each in devices] == [[0, 1], [2, 3]]
    assert [each.chief for each in devices] == [True, False]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("many", 'config.train.devices is \'many\'; it takes a number of devices, "all" or "workers"'),
        (0, "config.train.devices is 0; it takes"),
        (64, r'config.train.devices is 64, this machine has \d+ \([CG]PU\); take fewer or "all"'),
        ("workers", "reads the workers from the variable TF_CONFIG, such as"),
    ],
)
def test_devices_that_there_are_not_are_one_line(monkeypatch, setting, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match=message) as caught:
        choose_devices(setting)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_wrong_tf_config_is_one_line(monkeypatch, content):
    monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(UserError, match="TF_CONFIG cannot be read .*; it must be as '{"):
        choose_devices("workers")


@pytest.mark.skipif(not KERAS_3, reason="TensorFlow 2.15 takes workers")
def test_workers_on_keras_3_are_one_line(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}')
    with pytest.raises(UserError, match="takes the environment of TensorFlow 2.15: the fit of Keras 3"):
        choose_devices("workers")


def test_one_worker_is_one_machine(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
    assert choose_devices("workers").workers == 1


@pytest.mark.parametrize(
    ("batch", "replicas", "message"),
    [
        ({"tracks": 48, "triplets": 768}, 5, "config.batch.tracks is 48, which 5 replicas .* take 45 or another"),
        ({"tracks": 6, "triplets": 768}, 6, "config.batch.tracks is 6, which 6 replicas .* take 12 or another"),
        ({"tracks": 48, "triplets": 100}, 3, "config.batch.triplets is 100, which 3 replicas .* take 99 or another"),
    ],
)
def test_a_batch_that_cannot_be_shared_is_one_line(batch, replicas, message):
    with pytest.raises(UserError, match=message):
        BatchPlan(**batch).divide(replicas)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"explicit": True}, "config.batch.explicit trains on one device"),
        ({"tracks": 40}, "split 'valid' has 12 tracks, too few for 8 replicas"),
    ],
)
def test_what_trains_on_one_device_alone_is_one_line(monkeypatch, data, tmp_path, change, message):
    monkeypatch.setattr("dmml_tf.training.train.choose_devices", lambda setting: Devices(None, 8))
    config = tiny_config()
    config.batch.update({"tracks": 16, **change})
    with pytest.raises(UserError, match=message):
        train(config, data, tmp_path / "run")
