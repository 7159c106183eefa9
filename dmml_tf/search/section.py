"""A section of a song: from when to when, as people write it."""

import math
import re
from typing import NamedTuple

from tfrecords_tools.errors import UserError

LEAST_SECONDS = 3.0  # a network's window
_TIME = re.compile(r"\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)\s*")


class Section(NamedTuple):
    """Seconds from the beginning of a song; printed, `0:30-0:45`."""

    begin: float
    end: float

    def __str__(self) -> str:
        return f"{clock(self.begin)}-{clock(self.end)}"

    def seconds(self) -> dict[str, float]:
        """`begin` and `end`, for JSON."""
        return {name: round(value, 2) for name, value in self._asdict().items()}


def parse_section(text: str) -> Section:
    """`0:30-0:45`, `90-105` or `1:02:03-1:02:33.5` as seconds.

    Raises:
        UserError: if it is of no such form, ends before it begins, or is shorter than 3 s.
    """
    times = [_TIME.fullmatch(part) for part in text.replace("–", "-").split("-")]
    if len(times) != 2 or not (times[0] and times[1]):
        raise UserError(f"window '{text}': write from when to when, as in 0:30-0:45 or 90-105")
    return require_long_enough(Section(_seconds(times[0]), _seconds(times[1])))


def parse_time(text: str) -> float:
    """`1:15`, `75` or `75.5` as seconds; `UserError` if it is of no such form."""
    time = _TIME.fullmatch(text)
    if not time:
        raise UserError(f"time '{text}': write it as in 1:15 or 75")
    return _seconds(time)


def require_long_enough(section: Section) -> Section:
    """The section, if it is at least 3 s long; `UserError` otherwise."""
    if not 0 <= section.begin < section.end < math.inf:
        raise UserError(f"window {section.begin:g}-{section.end:g} s: ends before it begins; write it as in 0:30-0:45")
    if section.end - section.begin < LEAST_SECONDS - 1e-6:
        raise UserError(f"window {section}: is shorter than {LEAST_SECONDS:g} s, which the network hears at a time")
    return section


def clock(seconds: float) -> str:
    """`75` as `1:15`, `75.5` as `1:15.5`, `3675` as `1:01:15`; tenths are rounded."""
    whole, tenth = divmod(round(seconds * 10), 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{tenth}" if tenth else text


def _seconds(time: re.Match[str]) -> float:
    hours, minutes, seconds = (float(part or 0) for part in time.groups())
    if (time[1] and minutes >= 60) or (time[2] and seconds >= 60):
        raise UserError(f"window: {time[0].strip()} is no time; an hour has 60 minutes, a minute 60 seconds")
    return 3600 * hours + 60 * minutes + seconds
