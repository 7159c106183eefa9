"""Both clients against small servers that run the exported model."""

import contextlib
import http.server
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.serving.client import Embeddings, GrpcClient, RestClient, ServingError
from tests.dmml_tf.serving.made import RATE, assert_same, songs, stereo, wav_bytes
from tests.dmml_tf.serving.servers import Served, grpc_server, rest_server
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow


@pytest.fixture(params=["rest", "grpc"])
def service(request, exported):
    """(what the server is told, a function that makes a client of it)."""
    served = Served(exported.signatures)
    server, client = (rest_server, RestClient) if request.param == "rest" else (grpc_server, GrpcClient)
    with server(served) as address, contextlib.ExitStack() as stack:

        def connect(**settings):
            made = client(address, pause=0.01, **settings)
            stack.callback(getattr(made, "close", lambda: None))
            return made

        yield served, connect


def test_each_request_gives_what_the_signature_gives(service, exported):
    client, audio = service[1](), songs()[:2, :70_000]
    log_mel = np.stack([LogMel().extract(song)[:129] for song in audio])
    files = [wav_bytes(stereo()[:150_000], 48_000), wav_bytes(audio[0], RATE)]
    for method, signature, name, value in [
        (client.embed_audio, "serving_default", "audio", audio),
        (client.embed_windows, "embed_windows", "audio", songs()[:2, :100_000]),
        (client.embed_log_mel, "embed_log_mel", "log_mel", log_mel),
        (client.embed_wav, "embed_wav", "wav", files),
    ]:
        found = method(value)
        expected = exported.signatures[signature](**{name: tf.constant(value)})
        assert isinstance(found, Embeddings) and found.embedding.dtype == np.float32
        assert set(found.subspaces) == {"genre", "tempo_2"}
        assert_same({"embedding": found.embedding, **found.subspaces}, expected, 1e-5)


def test_two_refusals_then_an_answer(service):
    served, connect = service
    served.refusals = 2
    assert connect(retries=2).embed_audio(songs()[:1, :70_000]).embedding.shape == (1, 12)
    assert served.requests == 3


def test_retries_end(service):
    served, connect = service
    served.refusals = 9
    with pytest.raises(ServingError, match="UNAVAILABLE: .*no room in the queue") as caught:
        connect(retries=2).embed_audio(songs()[:1, :70_000])
    assert served.requests == 3 and caught.value.code == "UNAVAILABLE"


def test_no_answer_in_time_is_not_tried_again(service):
    served, connect = service
    served.delay = 1.0
    with pytest.raises(ServingError) as caught:
        connect(timeout=0.5).embed_wav([b"small, so that the server has it at once"])
    assert caught.value.code == "DEADLINE_EXCEEDED" and served.requests == 1


def test_what_the_server_refuses_is_not_tried_again(service):
    served, connect = service
    with pytest.raises(ServingError, match="audio is too short: 2.72 s") as caught:
        connect().embed_audio(songs()[:1, :60_000])
    assert caught.value.code == "INVALID_ARGUMENT" and "\n" not in str(caught.value)
    with pytest.raises(ServingError, match='"nope" not found'):
        connect().predict("nope", "audio", songs()[:1, :70_000])
    with pytest.raises(ServingError, match="NOT_FOUND"):
        connect(model="other").embed_audio(songs()[:1, :70_000])
    assert served.requests == 3


def test_what_the_model_refuses_is_its_line_alone(service):
    files = [wav_bytes(songs()[0, :70_000], RATE), b"fLaC..."]
    with pytest.raises(ServingError) as caught:
        service[1]().embed_wav(files)
    line = "wav[1] is no WAV file: it does not begin with RIFF and WAVE; encode it as WAV of 16-bit PCM"
    assert re.fullmatch(rf"INVALID_ARGUMENT: (http:)?[\w./:]+: {re.escape(line)}", str(caught.value))


def test_what_is_not_sent(service):
    served, connect = service
    with pytest.raises(UserError, match=r"shape \(154350,\); 2 dimensions"):
        connect().embed_audio(songs()[0])
    with pytest.raises(UserError, match="NaN"):
        connect().embed_windows(np.full((1, 66_150), np.nan))
    assert served.requests == 0


@pytest.mark.parametrize(
    "client",
    [RestClient("http://127.0.0.1:9", pause=0.01, retries=1), GrpcClient("127.0.0.1:9", pause=0.01, retries=1)],
    ids=["rest", "grpc"],
)
def test_nobody_there(client):
    with pytest.raises(ServingError) as caught:
        client.embed_log_mel(np.zeros((1, 129, 128)))
    assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize(
    "status, body, code",
    [
        (200, b"<html>", "UNKNOWN"),
        (200, b"{}", "UNKNOWN"),
        (200, b'{"outputs": {"y": [1.0]}}', "UNKNOWN"),
        (200, b'{"outputs": [[1.0, 2.0]]}', None),
        (500, b"<html>", "UNKNOWN"),
        (404, b"", "NOT_FOUND"),
    ],
)
def test_answers_of_something_else(status, body, code):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request).start()
        client = RestClient(f"http://127.0.0.1:{server.server_port}/")
        if code is None:  # a model without sub-spaces: its one output comes without a name
            assert client.embed_wav([b"x"]).embedding.tolist() == [[1.0, 2.0]]
        else:
            with pytest.raises(ServingError) as caught:
                client.embed_wav([b"x"])
            assert caught.value.code == code


def test_an_address_that_is_none():
    with pytest.raises(UserError, match="begins with http"):
        RestClient("file:///etc")


@pytest.mark.spawns
def test_rest_needs_no_tensorflow():
    code = "import sys, dmml_tf.serving.client as c; c.RestClient(); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_grpc_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    with pytest.raises(UserError, match=r"dmml\[serving\]"):
        GrpcClient()
