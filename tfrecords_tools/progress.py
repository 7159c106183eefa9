"""Progress of long work on standard error: count, rate, time left."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

# Where standard error is a file, one line a second would bury everything else.
_EVERY_IN_A_FILE = 10.0


def progress(iterable: Iterable[Item], total: int | None = None, label: str = "", every: float = 1.0) -> Iterator[Item]:
    """Passes items through and reports how many went by, how fast, and how long the rest will take.

    Args:
        iterable: anything; its items are not looked at.
        total: number of items; None takes `len(iterable)` where there is one, else no time left is shown.
        label: first word of the line.
        every: least number of seconds between two reports on a terminal, where one line is rewritten;
            elsewhere a plain line is written at most every 10 s, and one at the end.

    Yields:
        The items, unchanged. A report covers the items that the caller has finished with.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    terminal = sys.stderr.isatty()
    pause = every if terminal else max(every, _EVERY_IN_A_FILE)
    start = last = time.monotonic()
    done = 0
    try:
        for item in iterable:
            yield item
            done += 1
            now = time.monotonic()
            if now - last >= pause:
                _show(_line(label, done, total, now - start), terminal)
                last = now
    finally:
        # Also when interrupted: the last figure tells how far it came.
        _show(_line(label, done, total, time.monotonic() - start), terminal, final=True)


def _line(label: str, done: int, total: int | None, seconds: float) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{done}/{total}" if total is not None else str(done), f"{rate:.1f}/s" if rate >= 1 else f"{rate:.2f}/s"]
    if total is not None and done < total and rate > 0:
        parts.append(f"{_clock((total - done) / rate)} left")
    else:
        parts.append(f"{_clock(seconds)} taken")
    return f"{label}: {', '.join(parts)}" if label else ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _show(line: str, terminal: bool, final: bool = False) -> None:
    # "\x1b[K" clears what a longer line before left behind.
    sys.stderr.write(f"\r{line}\x1b[K" + ("\n" if final else "") if terminal else f"{line}\n")
    sys.stderr.flush()
