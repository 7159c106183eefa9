"""How long the rest of a table will take, from the rows that are done."""

from collections.abc import Sequence

# A job: (group, units). Jobs of one group take time in proportion to their units: training steps, or 1.
Job = tuple[str, int]


class Clock:
    """Learns what jobs cost and tells what the remaining ones will.

    A job of a group that none has been timed of yet takes as long as one job does in the mean over all.
    """

    def __init__(self) -> None:
        self._done: list[tuple[Job, float]] = []

    def took(self, job: Job, seconds: float) -> None:
        """Remembers what a job took: in this call or in an earlier one."""
        self._done.append((job, seconds))

    def left(self, jobs: Sequence[Job]) -> float | None:
        """Seconds that `jobs` will take; None while nothing is known."""
        if not jobs:
            return 0.0
        if not self._done:
            return None
        mean = sum(seconds for _, seconds in self._done) / len(self._done)
        return sum(self._seconds(job, mean) for job in jobs)

    def _seconds(self, job: Job, mean: float) -> float:
        group, units = job
        rate = self._rate(group)
        return mean if rate is None else rate * units

    def _rate(self, group: str) -> float | None:
        """Seconds a unit."""
        units = sum(job[1] for job, _ in self._done if job[0] == group)
        return sum(seconds for job, seconds in self._done if job[0] == group) / units if units else None


def spoken(seconds: float) -> str:
    """`40 s`, `12 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
