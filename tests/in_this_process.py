"""What is done by worker processes, done here: they take seconds to start."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def map_here(
    function: Callable[[Any], Any],
    tasks: Iterable[Any],
    workers: int = 0,
    seconds: Callable[[Any], float] | None = None,
) -> Iterator[Any]:
    """What `tfrecords_tools.build.pool.ordered_map` yields, without its processes."""
    yield from map(function, tasks)
