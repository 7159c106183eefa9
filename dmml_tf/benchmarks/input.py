"""What the input delivers, part by part, beside what a GPU would take: windows a second."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.data.forms import triplet_form
from dmml_tf.data.pipeline import BatchPlan, form_dataset, held_batches
from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import LogMelSignal, Signal
from dmml_tf.data.variation import NONE
from dmml_tf.data.windows import window_starts
from tfrecords_tools.dataset import Dataset

# Windows a second of a training step on one H100, of the same graphs in PyTorch.
H100 = {"full network, TF32": 8_200, "full network, bfloat16": 10_800, "demo's network": 34_000}
EQUALISER_DB, GAIN_DB = 6.0, 3.0
_FIRST = 8  # batches that are not measured: the pool fills, a graph is traced, prefetched ones lie ready
_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Rate:
    """Windows that one part of the input delivers.

    Attributes:
        part: what was measured.
        a_second: by the clock; the best of some rounds.
        a_cpu_second: by this process's time on all cores, which other work on the machine hardly changes.
    """

    part: str
    a_second: float
    a_cpu_second: float


class _NoSound(LogMelSignal):
    """Log-mels of which nothing is copied: what is left is the choice."""

    def cut_all(self, sounds: Sequence[Mapping[str, Any]], starts: Sequence[int] | Array, empty: Any = None) -> Array:
        del starts, empty
        return np.zeros((len(sounds), 0, 0), self.dtype)


def measure_input(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    signal: Signal,
    seed: int = 0,
    batches: int = 60,
) -> list[Rate]:
    """Measures the parts of the input and the whole, of batches of triplets.

    Args:
        plan: make-up of a batch; its gains are left out but in the last row, where they are `EQUALISER_DB` and
            `GAIN_DB`, and its variation and explicit form everywhere.
        signal: what a window is made of.
        seed: of the batches.
        batches: measured of each part in a round.

    Returns:
        The choice alone (labels, partners, starts, triplets), the copy alone, both as Python does them, both through
        tf.data, and that with an equaliser and a gain for each window.
    """
    plain = dataclasses.replace(plan, equaliser_db=0.0, gain_db=0.0, variation=NONE, explicit=False)
    gains = dataclasses.replace(plain, equaliser_db=EQUALISER_DB, gain_db=GAIN_DB)
    steps = _ROUNDS * batches + _FIRST

    def held(of: Signal) -> Iterator[Any]:
        return held_batches(dataset, split, conditions, plain, triplet_form(conditions, plan.triplets, of), seed)

    def stream(of: BatchPlan) -> Iterator[Any]:
        form = triplet_form(conditions, plan.triplets, signal)
        return iter(form_dataset(dataset, split, conditions, of, form, steps, seed))

    parts: dict[str, Callable[[], Iterator[Any]]] = {
        "choice alone": lambda: held(_NoSound(signal.features)),
        "copy alone": lambda: _copies(dataset, split, plain, signal, seed),
        "choice and copy": lambda: held(signal),
        "through tf.data": lambda: stream(plain),
        "with equaliser and gain": lambda: stream(gains),
    }
    return [_rate(part, make(), batches, plain.tracks * plain.windows) for part, make in parts.items()]


def _copies(dataset: Dataset, split: str, plan: BatchPlan, signal: Signal, seed: int) -> Iterator[Array]:
    """Endless copies of random windows of the split's first tracks, as many as the pool would hold."""
    rng = np.random.default_rng(seed)
    rows = [row for row, _ in zip(read_tracks(dataset, split, signal.optional), range(plan.pool))]
    while True:
        drawn = [rows[n] for n in rng.integers(len(rows), size=plan.tracks * plan.windows)]
        yield signal.cut_all(drawn, [int(window_starts(signal.frames(row), 1, rng)[0]) for row in drawn])


def _rate(part: str, batches: Iterator[Any], count: int, windows: int) -> Rate:
    for _ in range(_FIRST):
        next(batches)
    by_clock, by_cpu = [], []
    for _ in range(_ROUNDS):
        clock, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            next(batches)
        by_clock.append(time.perf_counter() - clock)
        by_cpu.append(time.process_time() - cpu)
    return Rate(part, count * windows / min(by_clock), count * windows / min(by_cpu))


def input_table(rates: Sequence[Rate]) -> str:
    """The figures, and what each is of the windows that one H100 takes."""
    headers = [
        "",
        "windows a second",
        "a CPU-second",
        *(f"of an H100's {rate:,}, {name}" for name, rate in H100.items()),
    ]
    rows = [
        [
            rate.part,
            f"{rate.a_second:,.0f}",
            f"{rate.a_cpu_second:,.0f}",
            *(f"{rate.a_second / taken:.2f}" for taken in H100.values()),
        ]
        for rate in rates
    ]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign="right")
