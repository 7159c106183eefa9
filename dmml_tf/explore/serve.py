"""The explorer, or another page behind its guards, as a server of this machine."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from tfrecords_tools.errors import UserError

_STOPS_WITHIN = 2  # seconds; a player may hold its connection open for as long as it likes


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """A socket, and the address of the page that will be served on it, with a final slash.

    Raises:
        UserError: if the host is not this machine's or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}, port {port} ({error.strerror}); give another --port, or 0 for a free one"
        ) from error
    with opened:
        yield opened, f"http://{f'[{host}]' if ':' in host else host}:{opened.getsockname()[1]}/"


def serve(app: FastAPI, opened: socket.socket) -> None:
    """Serves an application until Ctrl-C."""
    _server(app).run(sockets=[opened])


@contextlib.contextmanager
def serving(app: FastAPI, host: str = "127.0.0.1") -> Iterator[str]:
    """Serves an application on a free port while the block lasts; gives its address, with a final slash."""
    server = _server(app)
    with listening(host, 0) as (opened, address):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield address
        finally:
            server.should_exit = True
            thread.join()


def _server(app: FastAPI) -> uvicorn.Server:
    # log_config: its own would turn every logger of the process about.
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_STOPS_WITHIN,
        )
    )
