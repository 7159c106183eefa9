"""Worker processes: results in order, deaths survived, nothing left running."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time

import pytest

from tfrecords_tools.build import pool

pytestmark = pytest.mark.spawns


def work(task: tuple) -> object:
    """What the workers of these tests do (a module's function, as `ordered_map` needs)."""
    action, argument = task
    if action == "sleep":
        time.sleep(argument)
    elif action == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "die once" and not os.path.exists(argument):
        open(argument, "w").close()
        os._exit(3)
    elif action == "environment":
        return os.environ.get("OMP_NUM_THREADS"), signal.getsignal(signal.SIGINT), "tensorflow" in sys.modules
    elif action == "process":
        return os.getpid()
    elif action == "memory":
        try:
            return len(b"x" * argument)
        except MemoryError:
            return "MemoryError"
    elif action == "large":
        return b"x" * argument
    return argument


def _leftover() -> list:
    return [child for child in multiprocessing.active_children() if child.is_alive()]


def test_results_come_in_order_whatever_takes_long():
    tasks = [("sleep", 0.3), *(("echo", k) for k in range(30)), ("large", 3_000_000)]
    results = list(pool.ordered_map(work, tasks, workers=2))
    assert results[:-1] == [0.3, *range(30)] and len(results[-1]) == 3_000_000
    assert not _leftover()


def test_no_tasks_start_no_workers():
    assert list(pool.ordered_map(work, [], workers=2)) == []


def test_a_worker_that_dies_costs_only_its_task(tmp_path):
    tasks = [("echo", 0), ("die", None), ("echo", 2), ("die once", str(tmp_path / "flag")), ("echo", 4)]
    results = list(pool.ordered_map(work, tasks, workers=1))
    assert isinstance(results[1], pool.Died) and "signal 9" in results[1].reason
    assert [results[k] for k in (0, 2, 3, 4)] == [0, 2, str(tmp_path / "flag"), 4]


def test_a_task_that_takes_too_long_is_ended_and_costs_only_itself():
    tasks = [("echo", 0), ("sleep", 60), ("echo", 2), ("sleep", 0.3), ("sleep", 61)]
    start = time.monotonic()
    results = list(pool.ordered_map(work, tasks, workers=1, seconds=lambda task: 0.5 if task[1] == 60 else 1.5))
    assert [results[k] for k in (0, 2, 3)] == [0, 2, 0.3]
    assert [results[k].reason for k in (1, 4)] == [
        "took more than 0.5 s and was ended",
        "took more than 1.5 s and was ended",
    ]
    assert time.monotonic() - start < 30 and not _leftover()


def test_the_clock_does_not_run_while_a_worker_starts_or_another_task_is_done():
    tasks = [("sleep", 0.4)] * 6
    assert list(pool.ordered_map(work, tasks, workers=2, seconds=lambda _: 0.6)) == [0.4] * 6


def test_a_worker_has_its_share_of_memory(monkeypatch):
    monkeypatch.setattr(pool, "_share_of_memory", lambda workers: 200_000_000 // workers)
    tasks = [("memory", 10_000_000), ("memory", 300_000_000), ("memory", 20_000_000)]
    assert list(pool.ordered_map(work, tasks, workers=1)) == [10_000_000, "MemoryError", 20_000_000]


def test_shares_of_memory():
    assert pool._share_of_memory(1) >= pool._share_of_memory(2) >= pool._share_of_memory(1_000_000) == 2 << 30


def test_a_killed_worker_is_replaced_while_others_go_on():
    done = []
    with contextlib.closing(pool.ordered_map(work, [("sleep", 0.02)] * 40, workers=2)) as results:
        for result in results:
            done.append(result)
            if len(done) == 5:
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    assert done == [0.02] * 40 and not _leftover()


def test_workers_have_one_thread_no_ctrl_c_and_no_tensorflow(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = signal.getsignal(signal.SIGINT)
    (found,) = pool.ordered_map(work, [("environment", None)], workers=1)
    assert found == ("1", signal.SIG_IGN, False)
    assert "OMP_NUM_THREADS" not in os.environ and signal.getsignal(signal.SIGINT) is before


def test_tasks_are_taken_only_as_needed():
    taken = []

    def tasks():
        for k in range(1000):
            taken.append(k)
            yield "echo", k

    with contextlib.closing(pool.ordered_map(work, tasks(), workers=1)) as results:
        assert next(results) == 0
        assert len(taken) <= pool._AHEAD + 1
    assert not _leftover()


def test_closing_early_ends_a_busy_worker_at_once():
    start = time.monotonic()
    with contextlib.closing(pool.ordered_map(work, [("echo", 1), ("sleep", 60)], workers=1)) as results:
        assert next(results) == 1
    assert not _leftover() and time.monotonic() - start < 30


def test_a_crew_stays_for_the_next_tasks_unless_it_was_closed_early():
    crew = pool.Crew(work, 1)
    (first,) = crew.map([("process", 0)])
    assert [*crew.map([("process", 0), ("echo", 5)])] == [first, 5]
    assert isinstance(next(crew.map([("die", 0)])), pool.Died)
    with contextlib.closing(crew.map([("echo", 1), ("sleep", 60)])) as results:
        assert next(results) == 1
    assert not _leftover()
    (other,) = crew.map([("process", 0)])
    assert other != first
    crew.stop()
    assert not _leftover()


def test_workers_that_cannot_start_are_an_error(monkeypatch):
    monkeypatch.setattr(pool, "_serve", os._exit)  # ends with an error before it says that it is ready
    with pytest.raises(RuntimeError, match="end as soon as they start"):
        list(pool.ordered_map(work, [("echo", 1)], workers=1))
    assert not _leftover()


def test_default_workers_are_the_cores_we_may_use():
    assert 1 <= pool.default_workers() <= os.cpu_count()


def test_a_ctrl_c_while_a_worker_starts_is_answered_right_after():
    reached = []
    with pytest.raises(KeyboardInterrupt), pool._inherited_settings():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        reached.append(True)
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
