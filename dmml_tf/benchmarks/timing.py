"""Seconds of something done again and again; imports no framework, so that each can be timed by itself."""

import importlib
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

Times = list[tuple[float, float]]  # wall-clock and CPU seconds of each repeat
_WARM = 3  # repeats that trace, wake threads and reserve memory


def times_of(step: Callable[[], object], repeats: int) -> Times:
    """Wall-clock and CPU seconds of each repeat, after some that are not counted."""
    times = []
    for number in range(_WARM + repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        if number >= _WARM:
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return times


def in_new_process(module: str, function: str, *arguments: object) -> Any:
    """What a function of a module gives in a process that has imported nothing else: two frameworks may not agree."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_call, (module, function, arguments))


def _call(module: str, function: str, arguments: tuple[object, ...]) -> Any:
    return getattr(importlib.import_module(module), function)(*arguments)
