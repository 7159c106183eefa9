"""The batch contract: records -> tracks -> windows -> triplets, as one tf.data pipeline.

A batch is `(inputs, targets, weights)`:
    inputs   {"windows": float32 [B, 129, 128], "triplets": int32 [T, 3], "condition": int32 [T]}
    targets  int32 [T], the condition again, for the per-condition metrics
    weights  float32 [T], the weight of each triplet's condition in the loss
"""

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Conditions
from dmml_tf.data.pool import Pool, cut_stretch
from dmml_tf.data.records import read_tracks, repeat_labels
from dmml_tf.data.triplets import HALF_WINDOW, draw_batch
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

# Batches in a row without one valid triplet after which the data, not chance, must be the reason.
PATIENCE = 50


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """Make-up of a batch.

    Attributes:
        tracks: tracks in a batch, half of them new, half partners of those.
        windows: 3 s windows drawn from each; 2 or more where a `same_track` condition trains.
        triplets: triplets drawn from a batch, over all conditions.
        pool: tracks held in memory to find partners in.
        max_frames: frames held of each (1,292 = 30 s).
        equaliser_db: each window is played through an equaliser drawn for it alone, of at most this gain
            at any band; 0 is the paper. With few tracks it keeps the network from knowing them by
            their tone.
    """

    tracks: int = 48
    windows: int = 2
    triplets: int = 512
    pool: int = 512
    max_frames: int = 1292
    equaliser_db: float = 0.0

    def __post_init__(self):
        if self.tracks < 2 or self.windows < 1 or self.triplets < 1 or self.max_frames < LogMel().window_frames:
            raise UserError(f"a batch needs 2 tracks, 1 window, 1 triplet and {LogMel().window_frames} frames a track "
                            f"at least; got {self}")


def triplet_batches(
    dataset: Dataset, split: str, conditions: Conditions, plan: BatchPlan, seed: int, epoch: int = 0
) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    """Endless NumPy batches; the same for the same `seed` and `epoch`.

    Raises:
        UserError: on an empty split, a damaged shard, or data in which no condition has a valid triplet.
    """
    rng = np.random.default_rng([seed, epoch])
    stream, capacity = _endless(dataset, split, plan, rng), _pool_size(dataset, split, plan)
    pool = Pool(stream, dataset.schema, capacity, plan.max_frames, rng)
    weights = np.array([condition.weight for condition in conditions], np.float32)
    fruitless = 0
    while fruitless < PATIENCE:
        inputs = _batch(pool, conditions, plan, rng)
        fruitless = 0 if len(inputs["triplets"]) else fruitless + 1
        if not fruitless:
            yield inputs, inputs["condition"], weights[inputs["condition"]]
    raise UserError(f"{dataset.folder}: split '{split}' gives no valid triplet for any of "
                    f"{', '.join(conditions.names)}; each needs two similar labelled tracks and one that is not: add "
                    "tracks, or divide them yourself in the manifest's split column")


def triplet_dataset(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    steps: int,
    seed: int,
    first_epoch: int = 0,
    same_every_epoch: bool = False,
) -> tf.data.Dataset:
    """`steps` batches an iteration, for `model.fit`; each iteration is an epoch of its own seed.

    Args:
        steps: batches an epoch.
        first_epoch: number of the first iteration, so that a resumed training sees what an
            uninterrupted one would have seen.
        same_every_epoch: for validation: every iteration gives the same batches.
    """
    epochs = itertools.count(first_epoch)

    def generate():
        epoch = first_epoch if same_every_epoch else next(epochs)
        return itertools.islice(triplet_batches(dataset, split, conditions, plan, seed, epoch), steps)

    chain = dataset.features
    signature = (
        {
            "windows": tf.TensorSpec((None, chain.window_frames, chain.n_mels), tf.float32),
            "triplets": tf.TensorSpec((None, 3), tf.int32),
            "condition": tf.TensorSpec((None,), tf.int32),
        },
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None,), tf.float32),
    )
    batches = tf.data.Dataset.from_generator(generate, output_signature=signature)
    # One prefetch, at the end: it overlaps sampling with the training step; more would only hold memory.
    return batches.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


@contextlib.contextmanager
def pipeline_errors() -> Iterator[None]:
    """Brings back, around `model.fit`, a `UserError` of `triplet_batches`: tf.data passes it on as text alone."""
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"\bUserError: (.+)", str(error))
        if not found:
            raise
        raise UserError(found[1]) from error


def explicit_form(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The paper's own form of a batch, in which each triplet carries its three windows: B = 3 T.

    Same loss, more work; the reference to test the shared-window form against, and to time it.
    """
    flat = np.asarray(inputs["triplets"]).reshape(-1)
    triplets = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
    return {**inputs, "windows": np.asarray(inputs["windows"])[flat], "triplets": triplets}


def window_starts(frames: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """int [count] random window starts in a track, pairwise half a window or more apart where it fits.

    In a track too short for that the starts are drawn freely: such windows overlap by more than
    half, and `same_track` does not pair them.
    """
    last = max(frames - LogMel().window_frames, 0)
    spare = last - (count - 1) * HALF_WINDOW
    if spare < 0:
        return rng.integers(last + 1, size=count)
    # Sorted draws from the spare room, then spread: uniform over all placements that keep the distance.
    starts = np.sort(rng.integers(spare + 1, size=count)) + np.arange(count) * HALF_WINDOW
    return rng.permutation(starts)


def cut_window(log_mel: np.ndarray, start: int) -> np.ndarray:
    """float32 [129, 128] from `start`; a track shorter than that is filled up with silence."""
    length = LogMel().window_frames
    window = log_mel[start : start + length].astype(np.float32)
    return np.pad(window, ((0, length - len(window)), (0, 0))) if len(window) < length else window


def equalise(windows: np.ndarray, limit_db: float, rng: np.random.Generator) -> np.ndarray:
    """Each window through its own equaliser: a gain that goes in a straight line from the lowest band to the highest.

    Args:
        windows: float32 [B, frames, bands] of log10(1 + 10 S).
        limit_db: both ends are drawn between minus and plus this many dB.
    """
    low, high = rng.uniform(-limit_db, limit_db, (2, len(windows), 1))
    gain = 10 ** ((low + (high - low) * np.linspace(0, 1, windows.shape[-1])) / 20)
    # The compression's own factor cancels: 10^x - 1 is 10 S.
    return np.log10(1 + gain[:, None].astype(np.float32) * (np.power(np.float32(10), windows) - 1))


def _batch(pool: Pool, conditions: Conditions, plan: BatchPlan, rng: np.random.Generator) -> dict[str, np.ndarray]:
    new = pool.admit(plan.tracks // 2)
    labels = pool.labels()
    slots = np.array((new + pool.partners(conditions, new, labels) + new)[: plan.tracks])
    items = np.repeat(slots, plan.windows)
    starts = np.concatenate([window_starts(len(pool.rows[s]["log_mel"]), plan.windows, rng) for s in slots])
    windows = np.stack([cut_window(pool.rows[s]["log_mel"], start) for s, start in zip(items, starts)])
    if plan.equaliser_db:
        windows = equalise(windows, plan.equaliser_db, rng)
    # From the track's own beginning: two copies of one song may be cut at different places.
    starts = starts + np.array([pool.rows[s]["first_frame"] for s in items])
    triplets, condition = draw_batch(conditions, repeat_labels(labels, items, starts), plan.triplets, rng)
    return {"windows": windows, "triplets": triplets, "condition": condition}


def _endless(dataset: Dataset, split: str, plan: BatchPlan, rng: np.random.Generator) -> Iterator[dict]:
    if dataset.tracks(split) <= plan.pool:
        # It fits the pool, so it may as well be read once.
        rows = [cut_stretch(row, plan.max_frames, rng) for row in read_tracks(dataset, split)]
        while True:
            yield from (rows[n] for n in rng.permutation(len(rows)))
    while True:
        yield from read_tracks(dataset, split, seed=int(rng.integers(2**31)))


def _pool_size(dataset: Dataset, split: str, plan: BatchPlan) -> int:
    # No more than the split has: a second copy of a track is no partner.
    return max(min(plan.pool, dataset.tracks(split)), plan.tracks // 2, 1)
