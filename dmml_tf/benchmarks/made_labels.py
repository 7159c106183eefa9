"""Labels of made tracks, in a pool as of records: what the sampler is measured on where no dataset has such labels."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dmml_tf.conditions import Conditions, Labels
from dmml_tf.data.partners import find_partners
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.pool import Pool
from dmml_tf.data.records import repeat_labels
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.schema import Schema

# Enough for two windows that overlap by at most half; the same silence for every track.
_SOUND = np.zeros((PAPER_CHAIN.window_frames + PAPER_CHAIN.half_window, PAPER_CHAIN.n_mels), np.float16)


@dataclasses.dataclass(frozen=True)
class TagMakeUp:
    """How a tag dimension is made.

    Attributes:
        shares: of each tag among the tracks that carry one, adding up to 1.
        tagged: share of the tracks that carry a tag at all.
        each: tags a tagged track draws; equal ones count once.
    """

    shares: Sequence[float] | np.ndarray
    tagged: float = 1.0
    each: int = 1


def even(tags: int) -> np.ndarray:
    """Equal shares."""
    return np.full(tags, 1 / tags)


def falling(tags: int) -> np.ndarray:
    """Shares that fall with the rank, as those of real tags do (Zipf)."""
    shares = 1 / np.arange(1, tags + 1)
    return shares / shares.sum()


def made_tracks(count: int, make_up: Mapping[str, TagMakeUp], rng: np.random.Generator) -> tuple[Schema, list[dict]]:
    """Schema and rows (as `read_tracks` gives them) of `count` tracks with these tags and a tempo each.

    Tempi are uniform from 60 to 180 beats a minute.
    """
    schema = Schema({name: tuple(map(str, range(len(one.shares)))) for name, one in make_up.items()}, ("tempo",))
    rows = [
        {"track_id": f"{n:06d}", "artist": "", "log_mel": _SOUND, "values/tempo": np.float32(rng.uniform(60, 180))}
        for n in range(count)
    ]
    for name, one in make_up.items():
        drawn = rng.choice(len(one.shares), (count, one.each), p=one.shares)
        for row, tags, tagged in zip(rows, drawn, rng.random(count) < one.tagged):
            row[f"tags/{name}"] = np.unique(tags) if tagged else np.zeros(0, np.int64)
    return schema, rows


def label_batches(
    schema: Schema, rows: Sequence[Mapping], conditions: Conditions, plan: BatchPlan, rng: np.random.Generator
) -> Iterator[tuple[Labels, list[str]]]:
    """Endless (labels of a batch's windows, their track ids), composed as in `dmml_tf.data.pipeline`, without sound."""
    passes = (rng.permutation(len(rows)) for _ in itertools.count())
    stream = (rows[n] for order in passes for n in order)
    pool = Pool(stream, schema, min(plan.pool, len(rows)), plan.max_frames, rng)
    while True:
        new = pool.admit(plan.tracks // 2)
        labels = pool.labels()
        slots = np.array((new + find_partners(conditions, labels, new, rng) + new)[: plan.tracks])
        items, starts = (
            np.repeat(slots, plan.windows),
            np.tile(np.arange(plan.windows) * PAPER_CHAIN.half_window, len(slots)),
        )
        yield repeat_labels(labels, items, starts), [pool.rows[slot]["track_id"] for slot in items]
