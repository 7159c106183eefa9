"""Ordered work in processes that survives a worker's death, and ends one that is at a task for too long.

`concurrent.futures` gives up the whole pool when one worker is killed, and does not say which task it was.
"""

import collections
import contextlib
import math
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing import connection, resource_tracker
from typing import Any

# Each worker computes on one thread: as many processes as cores, each with a pool of BLAS threads, is slower.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
# Tasks a worker has at hand, so that it need not wait while the parent writes.
_AT_HAND = 2
# Results that wait for a slower one before them, in tasks a worker: it bounds the parent's memory.
_AHEAD = 6
# A task is given to a second worker when the first dies; dying again, it is given up.
_ATTEMPTS = 2
_STARTS = 3
_STOP_SECONDS = 2.0
# Bytes that a worker may have at least, where the machine's memory divided by the workers is less.
_LEAST_MEMORY = 2 << 30


class Died:
    """Stands for a result where the worker died each time it was given this task, or was ended; `reason` says how."""

    def __init__(self, reason: str):
        self.reason = reason


def default_workers() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[Any], Any],
    tasks: Iterable[Any],
    workers: int = 0,
    seconds: Callable[[Any], float] | None = None,
) -> Generator[Any, None, None]:
    """Yields `function(task)` for each task, in the tasks' order, computed in processes.

    Close the iterator (`contextlib.closing`) to end the workers early, such as on Ctrl-C. As with any
    spawned process, a script that calls this must do so under `if __name__ == "__main__":`.

    A worker gets its share of the machine's memory: beyond it there is a `MemoryError` in `function`, where all
    processes of the machine would stand still otherwise.

    Args:
        function: a module's function; its module is imported in the workers, task and result are copied.
            An exception in it ends its worker (with a traceback on standard error): return what can
            be expected to go wrong.
        tasks: taken as they are needed; at most `6 * workers` results are held.
        workers: processes; 0 takes one a core.
        seconds: how long a worker may be at a task; after that it is ended. None lets it take its time.

    Yields:
        Results, or `Died` for a task whose worker died twice (killed, out of memory, a crash in a library) or was
        ended.

    Raises:
        RuntimeError: if workers cannot start.
    """
    crew = Crew(function, workers, seconds)
    try:
        yield from crew.map(tasks)
    finally:
        crew.stop()


class _Worker:
    """One process, the pipe to it, and the (index, task) pairs it has not answered, oldest first.

    `patience` are the seconds that it has for the oldest, and `deadline` is when (`time.monotonic`) they are over.
    """

    def __init__(self, function: Callable[[Any], Any], memory: int):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function, memory), daemon=True)
        self.pending: collections.deque[tuple[int, Any]] = collections.deque()
        self.ready = False
        self.patience = self.deadline = math.inf
        with _inherited_settings():
            self.process.start()
        # Only the worker may hold its end: else its death would not be seen here.
        theirs.close()

    def give(self, index: int, task: Any) -> None:
        self.pending.append((index, task))
        # A worker that died meanwhile is found out when its answer is read.
        with contextlib.suppress(OSError):
            self.pipe.send(task)

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(_STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Crew:
    """Worker processes for one `ordered_map` after the other: to start them takes a second.

    Args:
        function, workers, seconds: as for `ordered_map`.
        sharing: processes that share the machine's memory, where others run beside these; 0: `workers`.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        workers: int = 0,
        seconds: Callable[[Any], float] | None = None,
        sharing: int = 0,
    ):
        self._function, self._size, self._seconds = function, workers or default_workers(), seconds
        self._memory = _share_of_memory(sharing or self._size)
        self._workers: list[_Worker] = []
        self._again: collections.deque[tuple[int, Any]] = collections.deque()
        self._deaths: collections.Counter[int] = collections.Counter()
        self._failed_starts = 0
        self._done: dict[int, Any] = {}

    def map(self, tasks: Iterable[Any]) -> Generator[Any, None, None]:
        """Yields as `ordered_map`, which see; the workers stay, unless it is closed before it has ended."""
        self._again.clear()
        self._deaths.clear()
        self._done.clear()
        whole = False
        try:
            yield from self._results(enumerate(tasks))
            whole = True
        finally:
            if not whole:
                self.stop()

    def _results(self, numbered: Iterator[tuple[int, Any]]) -> Iterator[Any]:
        """Yields the results in order; `numbered` are (index, task)."""
        given = following = 0
        while True:
            # A task to be given again is always due: the results after it wait for it.
            while (self._again or given < following + self._size * _AHEAD) and (worker := self._free_worker()):
                index_task = self._again.popleft() if self._again else next(numbered, None)
                if index_task is None:
                    break
                given = max(given, index_task[0] + 1)
                worker.give(*index_task)
                if len(worker.pending) == 1:
                    self._start_clock(worker)
            busy: dict[Any, _Worker] = {worker.pipe: worker for worker in self._workers if worker.pending}
            if not busy and following == given:
                return
            soonest = min((worker.deadline for worker in busy.values()), default=math.inf)
            left = None if soonest == math.inf else max(0.0, soonest - time.monotonic())
            for pipe in connection.wait(list(busy), left):
                self._read(busy[pipe])
            for worker in list(self._workers):
                if worker.deadline <= time.monotonic() and not worker.pipe.poll():
                    self._give_up(worker, f"took more than {worker.patience:g} s and was ended")
            while following in self._done:
                yield self._done.pop(following)
                following += 1

    def stop(self) -> None:
        """Ends all workers, whatever they are at."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _free_worker(self) -> _Worker | None:
        # Fill every seat before giving anyone a second task.
        if len(self._workers) < self._size:
            idle = next((worker for worker in self._workers if not worker.pending), None)
            if idle is None:
                self._workers.append(_Worker(self._function, self._memory))
                return self._workers[-1]
        worker = min(self._workers, key=lambda worker: len(worker.pending))
        return worker if len(worker.pending) < _AT_HAND else None

    def _read(self, worker: _Worker) -> None:
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if not worker.ready:
            worker.ready, self._failed_starts = True, 0
        else:
            self._done[worker.pending.popleft()[0]] = answer
        self._start_clock(worker)

    def _start_clock(self, worker: _Worker) -> None:
        """The time for a worker's oldest task begins now; while the worker itself starts, there is none."""
        worker.patience = math.inf
        if worker.ready and worker.pending and self._seconds is not None:
            worker.patience = self._seconds(worker.pending[0][1])
        worker.deadline = time.monotonic() + worker.patience

    def _bury(self, worker: _Worker) -> None:
        worker.process.join(_STOP_SECONDS)
        code = worker.process.exitcode
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise RuntimeError(f"worker processes end as soon as they start ({_ending(code)})")
            self._dismiss(worker)
            return
        index = worker.pending[0][0]
        self._deaths[index] += 1
        if self._deaths[index] >= _ATTEMPTS:
            self._give_up(worker, f"its worker process ended twice ({_ending(code)}), perhaps for want of memory")
        else:
            self._dismiss(worker)

    def _give_up(self, worker: _Worker, reason: str) -> None:
        """Ends a worker, and answers its oldest task with the reason."""
        self._done[worker.pending.popleft()[0]] = Died(reason)
        self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        """Ends a worker; its tasks are given to others."""
        worker.end()
        self._workers.remove(worker)
        self._again.extendleft(reversed(worker.pending))


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit status {code}"


def _share_of_memory(workers: int) -> int:
    """Bytes that each of so many workers may have."""
    return max(_LEAST_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // workers)


def _bound_memory(most: int) -> None:
    """Lets this process have `most` bytes more than it has now."""
    with contextlib.suppress(OSError, ValueError):  # where the system has no such file, or a lower bound
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[5])
        # The data, not the address space: of files that are mapped nothing need be held.
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (pages * os.sysconf("SC_PAGE_SIZE") + most, hard))


def _serve(pipe: connection.Connection, function: Callable[[Any], Any], memory: int) -> None:
    """A worker's life: answer until the parent is gone."""
    _bound_memory(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as what the worker starts itself takes over
    answer = None  # the first one says: started, and `function`'s module is imported
    while True:
        try:
            pipe.send(answer)
            task = pipe.recv()
        except (EOFError, OSError):
            return
        answer = function(task)


@contextlib.contextmanager
def _inherited_settings() -> Iterator[None]:
    """What a starting process takes over: one thread a library, and deafness to Ctrl-C.

    The parent alone answers Ctrl-C; it ends the workers without a traceback from each. One that comes while a worker
    starts is answered right after.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    main, came = threading.current_thread() is threading.main_thread(), []
    # It starts with the first worker otherwise, and lets the signal through again.
    resource_tracker.ensure_running()
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if main else None
    # Blocked, not ignored: what is ignored is lost.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)
