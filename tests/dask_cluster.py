"""A cluster of dask.distributed on this machine: scheduler and workers are processes, each in a folder of its own.

The first worker has a nanny, which starts it again when it is killed; the others have none.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


class DaskCluster:
    """A context manager.

    Attributes:
        address: the scheduler's.
        scheduler: its process.
    """

    def __init__(self, folder: Path, workers: int):
        self._folder, self._workers = folder, workers
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> "DaskCluster":
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for process in reversed(self._processes):
            process.kill()
        for process in self._processes:
            process.wait()

    def client(self):
        """A connection to the scheduler."""
        import distributed

        return distributed.Client(self.address, timeout=60, set_as_default=False)

    def pids(self) -> list[int]:
        """Process of each worker that there is."""
        with self.client() as client:
            return list(client.run(os.getpid).values())

    def _start_all(self) -> None:
        file = self._folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port=0", f"--scheduler-file={file}")
        for number in range(self._workers):
            nanny = () if number == 0 else ("--no-nanny",)
            self._start("worker", f"--scheduler-file={file}", "--nthreads=1", *nanny, name=f"worker{number}")
        until = time.monotonic() + 120
        while not (file.exists() and file.read_text().endswith("}")):
            assert self.scheduler.poll() is None and time.monotonic() < until, "the scheduler does not start"
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        with self.client() as client:
            if self._workers:
                client.wait_for_workers(self._workers, timeout=120)

    def _start(self, kind: str, *arguments: str, name: str = "") -> subprocess.Popen:
        folder = self._folder / (name or kind)
        folder.mkdir()
        with open(folder / "log", "w") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"distributed.cli.dask_{kind}",
                    "--host=127.0.0.1",
                    "--no-dashboard",
                    *arguments,
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path)), "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        self._processes.append(process)
        return process
