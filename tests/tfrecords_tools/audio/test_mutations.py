"""Two thousand damaged files, each a track or a line: no traceback, no hang, no worker dead, no memory eaten up."""

import collections
import functools
import re
import time
from pathlib import Path

import pytest

from tests.tfrecords_tools.audio.mutations import SECONDS, mutated, write_formats
from tfrecords_tools.audio.decode import seconds_of
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract
from tfrecords_tools.build import pool

pytestmark = [pytest.mark.spawns, pytest.mark.slow]

MUTATIONS = 2_000
MOST_SECONDS, MOST_BYTES = 10.0, 1 << 30


def treated(task: tuple[Path, Path, str]) -> tuple[Extracted | Refused, float | None, float, int]:
    """What a worker does: the damaged file's features and length, the seconds that took, its memory so far (bytes)."""
    whole, other, seed = task
    _warm(whole)
    path = whole.with_name(f"{seed}-{whole.name}")
    path.write_bytes(mutated(whole.read_bytes(), other.read_bytes(), seed))
    start = time.monotonic()
    result, length = extract(Task(str(path))), seconds_of(path)
    taken = time.monotonic() - start
    path.unlink()
    return result, length, taken, _memory()


@functools.cache
def _warm(path: Path) -> None:
    extract(Task(str(path)))  # a worker's first file waits for imports


def _memory() -> int:
    # Not getrusage's figure, which begins with that of the process that started this one.
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


@pytest.fixture(scope="module")
def formats(tmp_path_factory):
    return write_formats(tmp_path_factory.mktemp("formats"))


def test_the_whole_files_are_taken_as_they_are(formats):
    for path in formats:
        result = extract(Task(str(path)))
        assert isinstance(result, Extracted), (path.name, result)
        assert result.duration == pytest.approx(SECONDS, abs=0.11) and not result.notes, (path.name, result)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_each_mutation_ends_in_a_track_or_a_line(formats, monkeypatch):
    monkeypatch.setattr(pool, "_share_of_memory", lambda _: MOST_BYTES)
    count = len(formats)
    tasks = [(formats[k % count], formats[(7 * k + 3) % count], str(k)) for k in range(MUTATIONS)]
    results = pool.ordered_map(treated, tasks, workers=2, seconds=lambda _: 10 * MOST_SECONDS)
    ended: collections.Counter[type] = collections.Counter()
    for (whole, _, seed), answer in zip(tasks, results):
        what = f"mutation {seed} of {whole.name}"
        assert not isinstance(answer, pool.Died), f"{what}: {answer.reason}"
        result, length, seconds, memory = answer
        ended[type(result)] += 1
        assert seconds < MOST_SECONDS, f"{what} took {seconds:.1f} s"
        assert memory < MOST_BYTES, f"{what} needed {memory >> 20} MiB"
        assert length is None or 0 <= length < 1e6, f"{what}: {length} s long"
        if isinstance(result, Refused):
            assert result.reason and "\n" not in result.reason, f"{what}: {result.reason!r}"
            assert not re.search("Error number|cannot be processed", result.reason), f"{what}: {result.reason}"
        else:
            assert result.duration < 1_000, f"{what}: {result.duration} s"
    assert ended[Extracted] > 300 and ended[Refused] > 300 and sum(ended.values()) == MUTATIONS
