"""A real S3 server in a process of its own, and a proxy before it that refuses and cuts off what a test says."""

import contextlib
import dataclasses
import http.client
import http.server
import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

SECRET = "a-secret-that-no-log-may-hold"
BUCKET = "s3://music"
# What a store without permission answers.
_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
# The server does not compare signatures, but nobody without one writes over an object.
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=a"}
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """URL of moto's server, on loopback."""
    port, log = _free_port(), tmp_path_factory.mktemp("s3") / "log"
    with open(log, "w") as errors:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        _wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def s3_proxy(s3_server):
    """The `Proxy` before the server; whoever uses `store` talks to it."""
    proxy = Proxy(s3_server)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture
def store(s3_proxy, monkeypatch, tmp_path):
    """An empty bucket `BUCKET`, and the environment by which the store's clients find it; gives the proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    environment = {
        "AWS_ENDPOINT_URL": s3_proxy.url,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",  # the client's own; ours are what is tested
        "AWS_CONFIG_FILE": os.fspath(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": os.fspath(tmp_path / "none"),
        "XDG_CACHE_HOME": os.fspath(tmp_path / "cache"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tfrecords_tools.stores.store.WAITS", (0.01, 0.01, 0.01))
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    forget_clients()
    s3_proxy.faults.clear()
    s3_proxy.requests.clear()
    _send(s3_proxy.server, "POST", "/moto-api/reset")
    _send(s3_proxy.server, "PUT", "/music")
    yield s3_proxy
    s3_proxy.faults.clear()


@dataclasses.dataclass
class Fault:
    """What goes wrong with requests.

    Attributes:
        method, part: of requests with that method, and with that text in path and query.
        what: `busy` answers 503, `denied` 403; `cut` closes the connection in the middle of the answer, `cut_upload` in
            the middle of what is sent.
        times: so often; after that all is well.
        first: lets so many of them through before.
    """

    method: str
    part: str
    what: str
    times: int = 1
    first: int = 0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if method != self.method or self.part not in path:
            return False
        self.seen += 1
        return self.first < self.seen <= self.first + self.times


class Proxy(http.server.ThreadingHTTPServer):
    """Passes requests to `server` (a URL), but for `faults`; keeps (method, path) of all in `requests`."""

    daemon_threads = True

    def __init__(self, server: str):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server, self.url = server, f"http://127.0.0.1:{self.server_address[1]}"
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def fault(self, method: str, path: str) -> str:
        with self.lock:
            self.requests.append((method, path))
            return next((fault.what for fault in self.faults if fault.strikes(method, path)), "")

    def handle_error(self, request, client_address) -> None:
        """Connections that are cut are what is tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        fault = self.server.fault(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if fault == "cut_upload":
            self.rfile.read(length // 2)
            return self._cut()
        body = self.rfile.read(length)
        if fault in ("busy", "denied"):
            return self._answer(*((503, _BUSY) if fault == "busy" else (403, _DENIED)))
        status, headers, content = _send(self.server.server, self.command, self.path, body, dict(self.headers))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        size = next((value for name, value in headers if name.lower() == "content-length"), len(content))
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
        if fault == "cut":
            self._cut()

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _pass

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_) -> None:
        """Nothing is printed."""


def forget_clients() -> None:
    """Has the environment read anew: a client keeps what it found there."""
    importlib.import_module("s3fs").S3FileSystem.clear_instance_cache()


def send_to(proxy: Proxy) -> Callable[..., bytes]:
    """A function (method, path, body) that asks the server past the proxy, and gives the answer's body."""

    def send(method: str, path: str, body: bytes = b"") -> bytes:
        status, _, answer = _send(proxy.server, method, path, body, _SIGNED)
        assert status < 300, answer
        return answer

    return send


def _send(server: str, method: str, path: str, body: bytes = b"", headers: dict | None = None):
    connection = http.client.HTTPConnection(server.partition("://")[2], timeout=60)
    with contextlib.closing(connection):
        kept = {name: value for name, value in (headers or {}).items() if name.lower() not in ("connection", "expect")}
        connection.request(method, path, body, kept)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _wait_for(port: int, server: subprocess.Popen, log) -> None:
    for _ in range(1200):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


def objects(proxy: Proxy) -> dict[str, bytes]:
    """All keys of the bucket and their content, as the server has them."""
    import fsspec

    files = fsspec.get_filesystem_class("s3")(endpoint_url=proxy.server, use_listings_cache=False)
    found = files.find("music")
    return {path.removeprefix("music/"): files.cat_file(path) for path in found}
