"""The files that start TensorFlow Serving on an exported model, written beside its versions."""

import os
from pathlib import Path

from dmml_tf.serving.warmup import MODEL_NAME
from tfrecords_tools.files import write_text

IMAGE = "tensorflow/serving:2.15.1"  # it also loads what Keras 3 exported
GRPC_PORT, REST_PORT = 8500, 8501
MOUNT = f"/models/{MODEL_NAME}"  # where the model's folder is in the container

MODELS_CONFIG = f"""\
# ModelServerConfig: every version in the folder can be asked for until it is deleted; the newest answers.
model_config_list {{
  config {{
    name: "{MODEL_NAME}"
    base_path: "{MOUNT}"
    model_platform: "tensorflow"
  }}
}}
"""

MONITORING_CONFIG = """\
# MonitoringConfig: http://HOST:8501/monitoring/prometheus/metrics
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

BATCHING_PARAMETERS = """\
# BatchingParameters, for --enable_batching=true. Off unless you turn it on, for two reasons:
# - Requests to serving_default and embed_windows are joined only if their audio has one length; others fail.
#   Padding them (pad_variable_length_inputs) would add silence to the shorter song and change its embedding.
#   embed_wav and embed_log_mel may always be joined: a file is one string, a window has one shape.
# - Audio that is refused (too short, not a WAV file) makes all requests fail that were joined with it; the row that
#   the message names is one of theirs together.
max_batch_size { value: 64 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 100 }
"""

COMPOSE = f"""\
# docker compose up, in this folder. Ports are open to this machine alone: TensorFlow Serving asks for no password.
services:
  {MODEL_NAME}:
    image: {IMAGE}
    ports:
      - "127.0.0.1:{GRPC_PORT}:{GRPC_PORT}"
      - "127.0.0.1:{REST_PORT}:{REST_PORT}"
    volumes:
      - "./:{MOUNT}:ro"
    command:
      - "--model_config_file={MOUNT}/models.config"
      - "--monitoring_config_file={MOUNT}/monitoring.config"
      # Read batching_parameters.txt first:
      # - "--enable_batching=true"
      # - "--batching_parameters_file={MOUNT}/batching_parameters.txt"
    restart: unless-stopped
"""

FILES = {
    "models.config": MODELS_CONFIG,
    "monitoring.config": MONITORING_CONFIG,
    "batching_parameters.txt": BATCHING_PARAMETERS,
    "docker-compose.yml": COMPOSE,
}


def write_server_files(folder: str | os.PathLike) -> None:
    """Writes `FILES` into the model's folder (the one that holds `1/`), each whole or not at all."""
    for name, content in FILES.items():
        write_text(Path(folder) / name, content)


def docker_line(folder: str | os.PathLike) -> str:
    """The one command that serves the model in `folder` where Docker is installed.

    >>> dmml.docker_line("runs/mine/export/dmml").split()[:3]
    ['docker', 'run', '--rm']
    """
    return (
        f"docker run --rm -p 127.0.0.1:{GRPC_PORT}:{GRPC_PORT} -p 127.0.0.1:{REST_PORT}:{REST_PORT} "
        f"-v '{Path(folder).resolve()}:{MOUNT}:ro' {IMAGE} --model_config_file={MOUNT}/models.config "
        f"--monitoring_config_file={MOUNT}/monitoring.config"
    )
