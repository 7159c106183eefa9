"""Small servers that speak TensorFlow Serving's gRPC and REST shapes and run an actual SavedModel.

Not TensorFlow Serving: what it adds (batching, versions, deadlines of its own) is not here.
"""

import base64
import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class Served:
    """The signatures of a loaded SavedModel under the name `dmml`, with faults to order.

    Attributes:
        refusals: how many requests are answered with UNAVAILABLE before one is answered.
        delay: seconds before an answer.
        requests: how many came.
    """

    def __init__(self, signatures):
        self._signatures = signatures
        self.refusals, self.delay, self.requests = 0, 0.0, 0

    def unavailable(self) -> bool:
        self.requests += 1
        time.sleep(self.delay)
        return self.requests <= self.refusals

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """Raises `tf.errors.InvalidArgumentError`, as TensorFlow Serving answers, also on an unknown signature."""
        if signature not in self._signatures:
            raise tf.errors.InvalidArgumentError(None, None, f'Serving signature name: "{signature}" not found')
        answer = self._signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: array.numpy() for name, array in answer.items()}


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, served: Served):
        self._served = served

    def Predict(self, request, context):
        if self._served.unavailable():
            context.abort(grpc.StatusCode.UNAVAILABLE, "no room in the queue")
        if request.model_spec.name != "dmml":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        try:
            outputs = self._served.run(request.model_spec.signature_name, inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
        return response


@contextlib.contextmanager
def grpc_server(served: Served) -> Iterator[str]:
    """Yields `host:port`."""
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(served), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _decoded(value):
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def rest_handler(served: Served) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if served.unavailable():
                return self.answer(503, {"error": "no room in the queue"})
            if self.path != "/v1/models/dmml:predict":
                return self.answer(404, {"error": f"Servable not found for request: {self.path}"})
            inputs = {name: [_decoded(row) for row in rows] for name, rows in body["inputs"].items()}
            try:
                outputs = served.run(body["signature_name"], inputs)
            except tf.errors.InvalidArgumentError as error:
                return self.answer(400, {"error": error.message})
            named = {name: array.tolist() for name, array in outputs.items()}
            # As TensorFlow Serving: one output goes without its name.
            return self.answer(200, {"outputs": named if len(named) > 1 else next(iter(named.values()))})

        def answer(self, status: int, content: dict) -> None:
            payload = json.dumps(content).encode()
            with contextlib.suppress(OSError):  # the client may have gone: that is one of the tests
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

    return Handler


@contextlib.contextmanager
def rest_server(served: Served) -> Iterator[str]:
    """Yields `http://host:port`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), rest_handler(served))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
