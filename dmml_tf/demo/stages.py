"""What each stage of a job took: seconds, and the most memory at one time."""

import contextlib
import json
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

_EVERY = 0.2  # seconds between two looks at the memory
_MIB = 2**20


class Stages:
    """The stages of one job, in the order they were run.

    Memory is the sum of the resident sets of this process and all its descendants, looked at every
    0.2 s (pages that processes share count once for each); for this process alone the kernel's own
    maximum (`getrusage`) is used too, where the stage raised it, so that a short peak is not missed.

    Args:
        path: JSON file that keeps the rows, so that a job that skips what is done still reports what
            it took then; None keeps them in memory only.

    Attributes:
        rows: `{"name", "seconds", "peak_rss_mib"}` of each finished stage.

    Raises:
        UserError: if `path` exists and is no such file.
    """

    def __init__(self, path: Path | None = None):
        self._path = path
        self.rows: list[dict] = _read(path) if path is not None and path.exists() else []

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measures the `with` block as stage `name`. A block that raises is not recorded."""
        memory = _Memory()
        begin = time.monotonic()
        with memory:
            yield
        seconds = time.monotonic() - begin
        row = {"name": name, "seconds": round(seconds, 2), "peak_rss_mib": round(memory.peak / _MIB, 1)}
        self.rows = [old for old in self.rows if old["name"] != name] + [row]
        if self._path is not None:
            write_json(self._path, self.rows)


class _Memory:
    """Samples the resident memory in a thread while it is entered; `peak` is in bytes."""

    def __init__(self):
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = 0

    def __enter__(self) -> "_Memory":
        self._before = _maximum()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self._thread.join()
        after = _maximum()
        if after > self._before or not self.peak:
            self.peak = max(self.peak, after)

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, _resident())
            if self._done.wait(_EVERY):
                return


def _maximum() -> int:
    """Bytes: the most this process ever had. Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _resident() -> int:
    """Bytes that this process and its descendants hold now; those that end meanwhile are left out."""
    this, total = psutil.Process(), 0
    for process in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _read(path: Path) -> list[dict]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [{key: row[key] for key in ("name", "seconds", "peak_rss_mib")} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a list of stages ({error}); delete the file") from error
