"""Tasks on a cluster of `dask.distributed`: what can go wrong is one line, and nothing runs on that nobody waits for.

    dask scheduler                           on one machine; listens on port 8786
    dask worker tcp://HOST:8786              on each, with a task at a time for each core

A worker that dies costs the tasks it was at: the scheduler gives them to others, four times at most. Workers need
this package and its dependencies in the versions of the machine that asks.
"""

import concurrent.futures
import contextlib
import importlib.metadata
import itertools
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

import distributed

from tfrecords_tools.build import pool
from tfrecords_tools.build.apart import require_sight, unseen
from tfrecords_tools.errors import UserError

PACKAGE = "dmml"
_CONNECT_SECONDS = 10.0
# A cluster that grows with its work may have no worker for a while.
_WORKER_SECONDS = 60.0
_LOOK_SECONDS = 1.0
# Tasks that wait at the scheduler for each that runs: none of its workers waits for this machine then.
_AT_HAND = 2
_ENDS = (distributed.Status.closing, distributed.Status.closed, distributed.Status.failed)
_GO_ON = ", and run the command again, with --resume where it has one: what is whole is kept"
_GONE = (OSError, TimeoutError, concurrent.futures.CancelledError, distributed.CancelledError)


class Cluster:
    """A connection to a scheduler; `connected` gives it.

    Attributes:
        address: the scheduler's.
    """

    def __init__(self, address: str, client: distributed.Client):
        self.address, self._client = address, client

    def require_versions(self, packages: Sequence[str]) -> None:
        """Checks that all workers have a package, or lack it, as this machine does.

        Raises:
            UserError: if one differs; names worker, package and both versions. Or if there are no workers.
        """
        if not self._threads():
            raise UserError(f"{self.address}: has no workers; start them with: dask worker {self.address}")
        for package in packages:
            here = _version(package)
            # A function of Python's own: what is ours may be another there.
            there = self._client.run(importlib.metadata.version, package, on_error="return")
            for worker, version in sorted(there.items()):
                if (version if isinstance(version, str) else None) != here:
                    has = version if isinstance(version, str) else "is missing"
                    raise UserError(
                        f"the worker {worker} has another version of {package}: {has}; here it is "
                        f"{here or 'missing'}; install the same on all machines"
                    )

    def results(self, function: Callable[[Any, "InWorker"], Any], jobs: Iterable[Any]) -> Generator[Any, None, None]:
        """Yields what `function` makes of each job, whichever is done first; close it to cancel those that run.

        Args:
            function: a module's function of a job and the worker that it is called in.
            jobs: taken as they are needed.

        Raises:
            UserError: what `function` raises, in a line, and if the scheduler or all workers are gone.
        """
        waiting: set[distributed.Future] = set()
        jobs = iter(jobs)
        seen = time.monotonic()
        try:
            while True:
                room = max(0, max(1, _AT_HAND * self._threads()) - len(waiting))
                waiting |= {
                    self._client.submit(_call, function, job, pure=False) for job in itertools.islice(jobs, room)
                }
                if not waiting:
                    return
                with contextlib.suppress(TimeoutError), self._client.as_current():
                    distributed.wait(waiting, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")
                done = {future for future in waiting if future.done()}
                waiting -= done
                yield from [self._result(future) for future in done]
                if self._threads():
                    seen = time.monotonic()
                elif time.monotonic() - seen > _WORKER_SECONDS:
                    raise UserError(f"{self.address}: has lost all its workers; start them again{_GO_ON}")
        except _GONE as error:
            raise UserError(f"{self.address}: the scheduler is gone; start it again{_GO_ON}") from error
        finally:
            with contextlib.suppress(*_GONE):
                self._client.cancel(list(waiting), force=True)

    def _result(self, future: distributed.Future) -> Any:
        if future.status != "error":
            return future.result()
        error = future.exception()
        if isinstance(error, UserError):
            raise error
        if isinstance(error, distributed.scheduler.KilledWorker):
            last = error.last_worker.address
            raise UserError(f"{self.address}: one task's workers died, the last was {last}{_GO_ON}") from error
        raise UserError(f"{self.address}: a task failed ({type(error).__name__}: {error}){_GO_ON}") from error

    def _threads(self) -> int:
        """Tasks that run at once."""
        return sum(self._client.nthreads().values())


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Connects to a scheduler at an address such as `tcp://10.0.0.1:8786`.

    Raises:
        UserError: if none answers there.
    """
    # Its own messages tell of each attempt to connect again, with a traceback each, the last when all is closed.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False, direct_to_workers=False)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        reason = str(error.__cause__ or error) or type(error).__name__
        raise UserError(
            f"--scheduler={address}: no scheduler of Dask answers there ({reason}); start one with: dask scheduler"
        ) from error
    try:
        yield Cluster(address, client)
    finally:
        with contextlib.suppress(*_GONE):
            client.close(timeout=1.0)


def _call(function: Callable[[Any, "InWorker"], Any], job: Any) -> Any:
    """A task, in its worker."""
    worker = InWorker()
    try:
        return function(job, worker)
    except OSError as error:
        raise UserError(f"the worker {worker.name} failed ({error}); mend it{_GO_ON}") from error


_kept = threading.local()


class InWorker:
    """What a task may ask of the worker that it runs in."""

    def __init__(self) -> None:
        self._worker = distributed.get_worker()
        self._task = self._worker.get_current_task()
        self.name, self.threads = self._worker.address, self._worker.state.nthreads
        # The nanny starts workers as daemons, which may start no process; those of the pool end with their parent.
        multiprocessing.current_process().daemon = False
        os.environ.update(pool.ONE_THREAD)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(self.threads))

    def crew(self, function: Callable[[Any], Any], seconds: Callable[[Any], float]) -> pool.Crew:
        """One process of the pool, which stays for the tasks that come after in the same thread of the worker."""
        if getattr(_kept, "function", None) is not function:
            _kept.function, _kept.crew = function, pool.Crew(function, 1, seconds, self.threads)
        return _kept.crew

    @property
    def folder(self) -> str:
        """The worker's own folder, on its own disk."""
        return self._worker.local_directory

    def require_sight(self, paths: Iterable[str | os.PathLike]) -> None:
        """Raises `unseen` of the first of these files that is not seen from here."""
        require_sight(self.name, paths)

    def unseen(self, path: str | os.PathLike) -> UserError:
        """The error that says that this worker does not see a file."""
        return unseen(self.name, path)

    def require_wanted(self) -> None:
        """Ends the task, here, if it was cancelled, its client or scheduler is gone, or the worker ends."""
        task = self._worker.state.tasks.get(self._task)
        if task is None or task.state != "executing" or self._worker.status in _ENDS:
            raise distributed.Reschedule


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
