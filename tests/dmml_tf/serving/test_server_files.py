"""Warm-up records and the files TensorFlow Serving starts with, read by its own protos."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
import yaml
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from dmml_tf.serving import warmup
from dmml_tf.serving.server_files import FILES, docker_line, write_server_files
from tfrecords_tools.features import LogMel


@pytest.mark.slow
def test_warm_up_records_are_requests_that_the_model_answers(exported):
    records = list(tf.data.TFRecordDataset(str(exported.path / "assets.extra" / "tf_serving_warmup_requests")))
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
    requests = [log.predict_log.request for log in logs]
    assert sorted(request.model_spec.signature_name for request in requests) == [
        "embed_log_mel",
        "embed_wav",
        "embed_windows",
        "serving_default",
    ]
    for request in requests:
        assert request.model_spec.name == "dmml"
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        answer = exported.signatures[request.model_spec.signature_name](**inputs)
        assert answer["genre"].shape[0] == 1 and np.isfinite(answer["embedding"].numpy()).all()


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    warmup.write_warmup(tmp_path, LogMel(), ["embed_wav"])
    assert not warmup.can_write() and not list(tmp_path.iterdir())


def test_the_files_name_one_place(tmp_path):
    (tmp_path / "models.config").write_text("old")
    write_server_files(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(FILES)
    text = (tmp_path / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config[0]
    assert (config.name, config.base_path, config.model_platform) == ("dmml", "/models/dmml", "tensorflow")
    service = yaml.safe_load((tmp_path / "docker-compose.yml").read_text())["services"]["dmml"]
    assert service["volumes"] == ["./:/models/dmml:ro"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for argument in service["command"]:
        path = argument.split("=")[1]
        assert path.startswith("/models/dmml/") and (tmp_path / path.removeprefix("/models/dmml/")).exists()


def test_the_docker_line_mounts_the_folder(tmp_path):
    line = docker_line(tmp_path / "my model")
    assert f"-v '{tmp_path}/my model:/models/dmml:ro' tensorflow/serving:" in line and "\n" not in line
