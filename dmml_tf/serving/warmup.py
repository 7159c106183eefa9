"""Warm-up records: requests that TensorFlow Serving runs before it takes others; the first call is the slowest."""

import importlib.util
import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from tfrecords_tools.features import LogMel

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MODEL_NAME = "dmml"
_SECONDS = 4  # one window of the mean, two of a song through time
_WAV_RATE = 44_100  # Hz; what most files have, so that resampling is warmed up as well


def can_write() -> bool:
    """Whether tensorflow-serving-api, which the records need, is installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def write_warmup(saved_model: Path, features: LogMel, signatures: Collection[str]) -> None:
    """Writes one `PredictionLog` a signature into a SavedModel's folder; nothing without tensorflow-serving-api."""
    if not can_write():
        return
    (saved_model / WARMUP_FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(saved_model / WARMUP_FILE)) as writer:
        for signature, (name, value) in warmup_inputs(features).items():
            if signature in signatures:
                writer.write(_prediction_log(signature, name, value))


def warmup_inputs(features: LogMel) -> dict[str, tuple[str, np.ndarray]]:
    """Signature -> (its input's name, a batch of one made tone)."""
    audio = _tone(features.sample_rate)
    wav = io.BytesIO()
    soundfile.write(wav, np.stack([_tone(_WAV_RATE)] * 2, axis=1), _WAV_RATE, format="WAV", subtype="PCM_16")
    return {
        "serving_default": ("audio", audio[None]),
        "embed_log_mel": ("log_mel", features.extract(audio)[None, : features.window_frames]),
        "embed_wav": ("wav", np.array([wav.getvalue()], object)),
        "embed_windows": ("audio", audio[None]),
    }


def _tone(rate: int) -> np.ndarray:
    """float32 [samples]: 220 Hz and two overtones."""
    phase = 2 * np.pi * 220 * np.arange(_SECONDS * rate) / rate
    return sum(0.2 * np.sin(n * phase) / n for n in (1, 2, 3)).astype(np.float32)


def _prediction_log(signature: str, name: str, value: np.ndarray) -> bytes:
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = MODEL_NAME, signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()
