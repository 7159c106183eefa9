"""What any number of songs costs, step by step: bytes, hours of a core and money, computed from rates and prices.

Nothing is measured here: docs/scale.md says where the rates come from.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from dmml_tf.evaluation.tables import markdown
from tfrecords_tools.errors import UserError

_HOURS_A_MONTH = 730
_GIB = 2**30
_DIVISORS = ("input_windows", "accelerator_windows", "memory_gib", "hours")


def _figure(default: float, text: str, source: str = ""):
    return dataclasses.field(default=default, metadata={"text": text, "source": source})


_MP3 = "96 MP3s of 30 s, 128 kbit/s, stereo"
_LARGE = "a split larger than `config.batch.pool`"
_PGVECTOR = "databases.md, 100,000 made vectors"


@dataclasses.dataclass(frozen=True)
class Rates:
    """What was measured, a song of 30 s and a core."""

    audio_kb: float = _figure(481, "KB of a song's audio file", _MP3)
    record_kb: float = _figure(331, "KB of a song's record", f"`dmml-records build`, {_MP3}")
    build_seconds: float = _figure(
        0.074, "core s to decode, make the log-mel and write", f"`dmml-records build`, {_MP3}"
    )
    tempo_seconds: float = _figure(0.14, "core s of the tempo besides", f"`dmml-records build --tempo=madmom`, {_MP3}")
    embed_seconds: float = _figure(0.082, "core s from a file to its vector", f"`dmml embed --manifest`, {_MP3}")
    vector_bytes: float = _figure(1050, "bytes of a row of embeddings, float32", f"`dmml embed`, {_MP3}")
    steps: float = _figure(200_000, "training steps, of any number of songs", "`disentangled_track`")
    windows: float = _figure(96, "windows a step", "`disentangled_track`")
    step_songs: float = _figure(24, "records read a step", _LARGE)
    input_windows: float = _figure(2250, "windows a core-second of the input", f"`dmml bench input`, {_LARGE}")
    accelerator_windows: float = _figure(8200, "windows a second of an accelerator", "H100, TF32, PyTorch")
    index_ms: float = _figure(0.21, "core ms to index a song", "`dmml index`, 1,000,000 made vectors")
    index_bytes: float = _figure(1338, "bytes of a song in the index, with its id", "`dmml index`, the same")
    code_bytes: float = _figure(64, "bytes that a search reads of each song", "`codes-0-256.faiss` of that index")
    search_ms: float = _figure(7.8, "core ms of a search, for each 1,000,000 songs", "search.md, all four weighed")
    database_bytes: float = _figure(2541, "bytes of a song in a database, with its graph", _PGVECTOR)
    database_ms: float = _figure(1.0, "core ms to enter a song into the graph", _PGVECTOR)
    database_search_ms: float = _figure(18.0, "core ms of a search by the graph", _PGVECTOR)


@dataclasses.dataclass(frozen=True)
class Prices:
    """What is assumed."""

    core_hour: float = _figure(0.04, "price of a core and its memory, an hour")
    accelerator_hour: float = _figure(3.0, "price of an accelerator, an hour")
    gib_month: float = _figure(0.02, "price of a GiB in an object store, a month")
    memory_gib: float = _figure(4, "GiB of memory that come with a core")
    hours: float = _figure(24, "hours in which a step shall be done")
    queries: float = _figure(10, "queries a second")


@dataclasses.dataclass(frozen=True)
class Step:
    """A step that is done once.

    Attributes:
        name: of it.
        core_hours, accelerator_hours: that it takes.
        read, written: bytes.
    """

    name: str
    core_hours: float
    read: float
    written: float
    accelerator_hours: float = 0.0

    def hours(self, prices: Prices) -> float:
        """How long it takes: of one accelerator, or with as many cores as it then needs."""
        return self.accelerator_hours or prices.hours

    def money(self, prices: Prices) -> float:
        """What it costs."""
        return self.core_hours * prices.core_hour + self.accelerator_hours * prices.accelerator_hour


@dataclasses.dataclass(frozen=True)
class Standing:
    """What is kept running or stored.

    Attributes:
        name: of it.
        stored: bytes in an object store.
        cores: that its work takes.
        memory: bytes that must be in memory.
        scanned: bytes of them that are read each second.
    """

    name: str
    stored: float = 0.0
    cores: float = 0.0
    memory: float = 0.0
    scanned: float = 0.0

    def rented(self, prices: Prices) -> float:
        """Cores that are paid: for its work, or for the memory that comes with them."""
        return max(self.cores, self.memory / _GIB / prices.memory_gib)

    def bound(self, prices: Prices) -> str:
        """What decides how many cores there are."""
        if not self.cores:
            return "bytes"
        return "processor" if self.rented(prices) == self.cores else "memory"

    def money(self, prices: Prices) -> float:
        """What it costs a month."""
        running = self.rented(prices) * _HOURS_A_MONTH * prices.core_hour
        return running + self.stored / _GIB * prices.gib_month


def steps(songs: int, rates: Rates) -> list[Step]:
    """What is done once, in its order."""
    audio, records, vectors = (
        songs * size for size in (1e3 * rates.audio_kb, 1e3 * rates.record_kb, rates.vector_bytes)
    )
    windows = rates.steps * rates.windows
    return [
        Step("build", _hours(songs * rates.build_seconds), audio, records),
        Step("tempo, with the build", _hours(songs * rates.tempo_seconds), 0.0, 0.0),
        Step(
            "train",
            _hours(windows / rates.input_windows),
            rates.steps * rates.step_songs * rates.record_kb * 1e3,
            0.0,
            _hours(windows / rates.accelerator_windows),
        ),
        Step("embed, from files", _hours(songs * rates.embed_seconds), audio, vectors),
        Step("index", _hours(songs * rates.index_ms / 1e3), vectors, songs * rates.index_bytes),
        Step("or a database's graph", _hours(songs * rates.database_ms / 1e3), vectors, songs * rates.database_bytes),
    ]


def standing(songs: int, rates: Rates, prices: Prices) -> list[Standing]:
    """What is kept, and what answers queries."""
    each = prices.queries / 1e3
    return [
        Standing("audio", songs * rates.audio_kb * 1e3),
        Standing("records", songs * rates.record_kb * 1e3),
        Standing("embeddings", songs * rates.vector_bytes),
        Standing(
            "search in the index",
            cores=each * rates.search_ms * songs / 1e6,
            memory=songs * rates.index_bytes,
            scanned=prices.queries * songs * rates.code_bytes,
        ),
        Standing("or in a database", cores=each * rates.database_search_ms, memory=songs * rates.database_bytes),
        Standing("hear what is asked by", cores=prices.queries * rates.embed_seconds),
    ]


def report(counts: Sequence[int], rates: Rates, prices: Prices) -> str:
    """Rates, prices, and two tables of each number of songs, as Markdown.

    Raises:
        UserError: if a figure is not finite, or divides and is 0.
    """
    for values in (rates, prices):
        for name, value in dataclasses.asdict(values).items():
            if not math.isfinite(value) or (not value and name in _DIVISORS):
                raise UserError(f"--{name}={value:g}: give a finite number{' above 0' if name in _DIVISORS else ''}")
    parts = [_figures(rates, ("rate", "", "", "measured by")), _figures(prices, ("assumed", "", ""))]
    for songs in counts:
        parts += [f"### {songs:,} songs", _steps_table(songs, rates, prices), _standing_table(songs, rates, prices)]
    return "\n\n".join(parts)


def _figures(values: Rates | Prices, head: Sequence[str]) -> str:
    rows = []
    for field in dataclasses.fields(values):
        cells = [f"`--{field.name}`", f"{getattr(values, field.name):,.12g}", *field.metadata.values()]
        rows.append(cells[: len(head)])
    return markdown(head, rows)


def _steps_table(songs: int, rates: Rates, prices: Prices) -> str:
    head = ["once", "core-hours", "accelerator-hours", "read", "written", "workers", "MB/s read", "money"]
    return markdown(head, list(_steps_rows(steps(songs, rates), prices)))


def _steps_rows(done: Sequence[Step], prices: Prices) -> Iterator[list[str]]:
    for step in done:
        yield [
            step.name,
            _short(step.core_hours),
            _short(step.accelerator_hours),
            _bytes(step.read),
            _bytes(step.written),
            f"{math.ceil(step.core_hours / step.hours(prices)):,}",
            _short(step.read / 1e6 / (step.hours(prices) * 3600)),
            _short(step.money(prices)),
        ]


def _standing_table(songs: int, rates: Rates, prices: Prices) -> str:
    rows = [
        [
            one.name,
            _bytes(one.stored),
            _bytes(one.memory),
            _bytes(one.scanned),
            _short(one.cores),
            _short(one.rented(prices)),
            one.bound(prices),
            _short(one.money(prices)),
        ]
        for one in standing(songs, rates, prices)
    ]
    head = ["each month", "stored", "in memory", "scanned a second", "cores of work", "cores paid", "bound by", "money"]
    return markdown(head, rows)


def _hours(seconds: float) -> float:
    return seconds / 3600


def _short(value: float) -> str:
    """Two digits below 10, none of a fraction above; empty for 0."""
    if not value:
        return ""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{_short(count / size)} {unit}"
    return f"{count:,.0f} B" if count else ""
