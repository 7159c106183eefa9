"""How long an exported model takes, loaded in this process: no network, no server."""

import dataclasses
import os
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from dmml_tf.serving.warmup import warmup_inputs
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import progress

_WARM_CALLS = 2


@dataclasses.dataclass(frozen=True)
class Latency:
    """Calls of one batch size.

    Attributes:
        batch: excerpts of 3 s in a call, each of them one window.
        calls: calls measured.
        p50, p95, p99: milliseconds a call. With fewer than 100 calls p99 lies near the slowest one.
        windows_per_second: windows of all calls by the time they took together.
    """

    batch: int
    calls: int
    p50: float
    p95: float
    p99: float
    windows_per_second: float


def bench(saved_model: str | os.PathLike, features: LogMel, batches: Sequence[int], calls: int) -> list[Latency]:
    """Times `serving_default` on 3 s of a made tone, `calls` times for each batch size, after two calls not counted."""
    loaded = tf.saved_model.load(os.fspath(saved_model))
    excerpt = warmup_inputs(features)["serving_default"][1][:, : features.excerpt_samples]
    return [_measure(loaded.signatures["serving_default"], excerpt, batch, calls) for batch in batches]


def _measure(serve, excerpt: np.ndarray, batch: int, calls: int) -> Latency:
    audio = tf.constant(np.repeat(excerpt, batch, axis=0))
    for _ in range(_WARM_CALLS):
        serve(audio=audio)
    seconds = np.zeros(calls)
    for call in progress(range(calls), calls, f"batch {batch}"):
        start = time.perf_counter()
        serve(audio=audio)["embedding"].numpy()
        seconds[call] = time.perf_counter() - start
    p50, p95, p99 = np.percentile(1000 * seconds, [50, 95, 99])
    return Latency(batch, calls, p50, p95, p99, batch * calls / seconds.sum())


def table(rows: Sequence[Latency]) -> str:
    """The figures in columns, one row a batch size."""
    lines = ["batch  calls   p50 ms   p95 ms   p99 ms  windows/s"]
    lines += [
        f"{row.batch:5d}  {row.calls:5d}  {row.p50:7.1f}  {row.p95:7.1f}  {row.p99:7.1f}  {row.windows_per_second:9.1f}"
        for row in rows
    ]
    return "\n".join(lines)
