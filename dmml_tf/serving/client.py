"""Clients of a served model, over REST and over gRPC: audio in, embedding and sub-spaces by name out.

    client = RestClient("http://localhost:8501")
    found = client.embed_wav([Path("song.wav").read_bytes()])
    found.embedding         float32 [1, 256]
    found.subspaces["genre"]  float32 [1, 64], of unit length

REST needs neither TensorFlow nor tensorflow-serving-api; gRPC needs both (`pip install 'dmml[serving]'`).
"""

import base64
import dataclasses
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrecords_tools.errors import UserError, require_extra

EMBEDDING = "embedding"
_LONGEST_PAUSE = 5.0  # seconds between two tries
# What may be gone at the next try. A deadline is not among them: who set it wants to know by then.
_RETRYABLE = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
# What TensorFlow wraps around a line of the served graph: where in the graph it stands, for nobody who asks.
_REFUSAL = re.compile(r"assertion failed: \[(.*)\]")
# REST statuses by the gRPC codes that TensorFlow Serving makes them from.
_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class ServingError(UserError):
    """A request that got no answer.

    Attributes:
        code: the gRPC code, such as `INVALID_ARGUMENT`, `UNAVAILABLE`, `DEADLINE_EXCEEDED`; `UNKNOWN` for an
            answer that is not one of TensorFlow Serving's.
    """

    def __init__(self, code: str, message: str):
        super().__init__(" ".join(f"{code}: {message}".split()))
        self.code = code

    @classmethod
    def answered(cls, code: str, address: str, message: str | None) -> "ServingError":
        """What the server at `address` answered: of a refusal of the model the model's own line alone."""
        refusal = _REFUSAL.search(message or "")
        return cls(code, f"{address}: {refusal[1] if refusal else message}")


@dataclasses.dataclass(frozen=True)
class Embeddings:
    """What a signature answered.

    Attributes:
        embedding: float32 [batch, size], or [batch, windows, size]; not normalised.
        subspaces: condition's name -> float32 [batch, width], or [batch, windows, width]; unit vectors.
    """

    embedding: np.ndarray
    subspaces: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, outputs: Mapping[str, np.ndarray]) -> "Embeddings":
        """From outputs by name. Raises `ServingError` if the whole embedding is not among them."""
        if EMBEDDING not in outputs:
            raise ServingError(
                "UNKNOWN", f"the answer has no '{EMBEDDING}' but {sorted(outputs)}; is this model dmml's?"
            )
        return cls(outputs[EMBEDDING], {name: value for name, value in outputs.items() if name != EMBEDDING})


class Client:
    """The four requests, whatever carries them; a failed one raises `ServingError`.

    Args:
        model: name the model is served under.
        timeout: seconds to wait at a try.
        retries: tries after the first, only where the server was not reached or had no room.
        pause: seconds before the first of them; doubled for each next one, 5 s at most.
    """

    def __init__(self, model: str = "dmml", timeout: float = 30.0, retries: int = 3, pause: float = 0.2):
        self.model, self.timeout, self.retries, self.pause = model, timeout, retries, pause

    def embed_audio(self, audio: np.ndarray) -> Embeddings:
        """Songs' embeddings from float [batch, samples] at 22,050 Hz, at least 3 s, mono."""
        return self._embed("serving_default", "audio", _numbers(audio, 2))

    def embed_windows(self, audio: np.ndarray) -> Embeddings:
        """As `embed_audio`, for each 3 s window, one every 43 frames (0.9985 s)."""
        return self._embed("embed_windows", "audio", _numbers(audio, 2))

    def embed_log_mel(self, log_mel: np.ndarray) -> Embeddings:
        """Embeddings of windows, float [batch, 129, 128] of `log10(1 + 10 S)`."""
        return self._embed("embed_log_mel", "log_mel", _numbers(log_mel, 3))

    def embed_wav(self, files: Sequence[bytes]) -> Embeddings:
        """Songs' embeddings from WAV files' bytes, PCM or float; any rate, channels and lengths of at least 3 s."""
        return self._embed("embed_wav", "wav", list(files))

    def predict(self, signature: str, name: str, value: np.ndarray | list[bytes]) -> dict[str, np.ndarray]:
        """One try at one request: outputs by name. Raises `ServingError`."""
        raise NotImplementedError

    def _embed(self, signature: str, name: str, value: np.ndarray | list[bytes]) -> Embeddings:
        return Embeddings.of(self._tried(lambda: self.predict(signature, name, value)))

    def _tried(self, call: Callable[[], dict]) -> dict:
        for attempt in range(self.retries):
            try:
                return call()
            except ServingError as error:
                if error.code not in _RETRYABLE:
                    raise
            time.sleep(min(self.pause * 2**attempt, _LONGEST_PAUSE))
        return call()


class RestClient(Client):
    """Over HTTP, port 8501 of TensorFlow Serving.

    >>> client = dmml.RestClient("http://localhost:8501", timeout=30.0, retries=3)

    Args:
        url: such as `http://localhost:8501`.
        **settings: as `Client`; `timeout` holds for each step: connecting, and each wait for more of the answer.
    """

    def __init__(self, url: str = "http://localhost:8501", **settings: Any):
        super().__init__(**settings)
        if not url.startswith(("http://", "https://")):
            raise UserError(f"'{url}' is no address of a server; it begins with http:// or https://")
        self._url = f"{url.rstrip('/')}/v1/models/{self.model}:predict"

    def predict(self, signature: str, name: str, value: np.ndarray | list[bytes]) -> dict[str, np.ndarray]:
        """As `Client.predict`, in the column format: `inputs` and `outputs` by name."""
        encoded = (
            [{"b64": base64.b64encode(file).decode("ascii")} for file in value]
            if isinstance(value, list)
            else value.tolist()
        )
        body = json.dumps({"signature_name": signature, "inputs": {name: encoded}}, allow_nan=False).encode()
        try:
            outputs = json.loads(self._post(body))["outputs"]
            # TensorFlow Serving leaves the name out where a signature has one output.
            outputs = outputs if isinstance(outputs, dict) else {EMBEDDING: outputs}
            return {name: np.asarray(array, np.float32) for name, array in outputs.items()}
        except (ValueError, KeyError, TypeError) as error:
            raise ServingError("UNKNOWN", f"{self._url}: the answer is not TensorFlow Serving's ({error})") from error

    def _post(self, body: bytes) -> bytes:
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise ServingError.answered(_CODES.get(error.code, "UNKNOWN"), self._url, _reason(error)) from error
        except (OSError, http.client.HTTPException) as error:
            # URLError wraps what happened while connecting; what happens later comes bare.
            late = isinstance(getattr(error, "reason", error), TimeoutError)
            code, what = ("DEADLINE_EXCEEDED", f"no answer in {self.timeout:g} s") if late else ("UNAVAILABLE", error)
            raise ServingError(code, f"{self._url}: {what}") from error


class GrpcClient(Client):
    """Over gRPC, port 8500 of TensorFlow Serving; a third of REST's bytes or less. Close it, or use it in `with`.

    >>> client = dmml.GrpcClient("localhost:8500")

    Args:
        target: such as `localhost:8500`. The connection is not encrypted.
        **settings: as `Client`; `timeout` holds for a whole try.

    Raises:
        UserError: where tensorflow-serving-api is not installed.
    """

    def __init__(self, target: str = "localhost:8500", **settings: Any):
        super().__init__(**settings)
        require_extra("serving", "gRPC", "grpc", "tensorflow_serving", otherwise=", or use RestClient")
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self._target = target
        # A song through time is an answer of more than gRPC's 4 MB.
        self._channel = grpc.insecure_channel(
            target, [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self) -> "GrpcClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connection back."""
        self._channel.close()

    def predict(self, signature: str, name: str, value: np.ndarray | list[bytes]) -> dict[str, np.ndarray]:
        """As `Client.predict`."""
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self.model, signature
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        try:
            answer = self._stub.Predict(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise ServingError.answered(error.code().name, self._target, error.details()) from error
        return {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}


def _numbers(value: np.ndarray, dimensions: int) -> np.ndarray:
    array = np.asarray(value, np.float32)
    if array.ndim != dimensions:
        raise UserError(
            f"the batch has the shape {array.shape}; {dimensions} dimensions are needed, the first of them the batch"
        )
    if not np.isfinite(array).all():
        raise UserError("the batch holds numbers that are NaN or infinite; decode the audio again")
    return array


def _reason(error: urllib.error.HTTPError) -> str:
    """TensorFlow Serving's own message, from `{"error": ...}`, or the status line of something before it."""
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"HTTP {error.code} {error.reason}"
