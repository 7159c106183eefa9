"""The batch contract: records -> tracks -> windows -> what a model learns from, as one tf.data pipeline.

A batch of triplets is `(inputs, targets, weights)`:
    inputs   {"windows": float32 [B, 129, 128], "triplets": int32 [T, 3], "condition": int32 [T]}
    targets  int32 [T], the condition again, for the per-condition metrics
    weights  float32 [T], the weight of each triplet's condition in the loss

`dmml_tf.data.forms` has the other forms that the same windows can take.
"""

import collections
import contextlib
import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import Form, triplet_form
from dmml_tf.data.partners import find_partners
from dmml_tf.data.parts import WHOLE_SPLIT, Part
from dmml_tf.data.pool import Pool, pool_stream
from dmml_tf.data.records import count_tracks, without_autotune
from dmml_tf.data.reused import ReusedArrays
from dmml_tf.data.segment_labels import label_windows
from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.data.variation import NONE, Variation, cut_varied
from dmml_tf.data.windows import Sound, Windows, draw_gains, play, window_starts
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN

# Batches in a row without one valid triplet, or one pass over the split if that is more, after which the data, not
# chance, must be the reason.
PATIENCE = 50
WORKERS = 2  # threads that play windows, a batch each; one thread's choices keep no more at work


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """Make-up of a batch.

    >>> plan = dmml.BatchPlan(tracks=24, windows=2, triplets=4096)

    Attributes:
        tracks: tracks in a batch, half of them new, half partners of those.
        windows: 3 s windows drawn from each; 2 or more where a `same_track` condition trains.
        triplets: triplets drawn from a batch, over all conditions.
        pool: tracks held in memory to find partners in.
        max_frames: frames held of each (1,292 = 30 s).
        equaliser_db: each window is played through an equaliser drawn for it alone, of at most this gain
            at any band; 0 is the paper. With few tracks it keeps the network from knowing them by
            their tone.
        gain_db: each window is made louder or softer by a gain drawn for it alone, of at most this much; 0 is the
            paper.
        explicit: the paper's own form: each triplet carries its three windows, B = 3 T. Same loss, more work.
        variation: how windows are varied further, as `Variation` or its fields; none is the paper.
    """

    tracks: int = 48
    windows: int = 2
    triplets: int = 512
    pool: int = 512
    max_frames: int = 1292
    equaliser_db: float = 0.0
    gain_db: float = 0.0
    explicit: bool = False
    variation: Variation | Mapping[str, Any] = NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "variation", Variation.of(self.variation))
        if self.tracks < 2 or self.windows < 1 or self.triplets < 1 or self.max_frames < PAPER_CHAIN.window_frames:
            raise UserError(
                f"a batch needs 2 tracks, 1 window, 1 triplet and {PAPER_CHAIN.window_frames} frames a track "
                f"at least; got {self}"
            )

    def divide(self, replicas: int) -> "BatchPlan":
        """The make-up of one replica's batch, where so many share one; each has a pool of its own.

        Raises:
            UserError: if tracks or triplets cannot be shared evenly, or two tracks a replica are not left.
        """
        for name in ("tracks", "triplets"):
            whole = getattr(self, name)
            if whole % replicas or (name == "tracks" and whole < 2 * replicas):
                nearest = max(whole // replicas, 2 if name == "tracks" else 1) * replicas
                raise UserError(
                    f"config.batch.{name} is {whole}, which {replicas} replicas cannot share evenly, two tracks "
                    f"or more each; take {nearest} or another multiple of {replicas}"
                )
        return dataclasses.replace(self, tracks=self.tracks // replicas, triplets=self.triplets // replicas)

    @property
    def embedded(self) -> int:
        """Windows that a batch embeds."""
        return 3 * self.triplets if self.explicit else self.tracks * self.windows


def window_batches(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    rng: np.random.Generator,
    signal: Signal = LOG_MEL,
    part: Part = WHOLE_SPLIT,
) -> Iterator[Windows]:
    """Endless batches of labelled windows.

    Args:
        conditions: by which partners are found.
        rng: source of every choice; who draws more of the batch from it does so between two batches.
        signal: what a window is made of.
        part: of the split, which alone is read.

    Raises:
        UserError: on an empty split, a damaged shard, or records without that signal.
    """
    signal.require(dataset)
    Variation.of(plan.variation).require(signal, dataset.schema.vocabularies)
    tracks = count_tracks(dataset, split, part)
    # Read once where it fits the pool, which holds no more tracks than there are: a second copy is no partner.
    stream = pool_stream(dataset, split, plan.max_frames, rng, signal, part, once=tracks <= plan.pool)
    capacity = max(min(plan.pool, tracks), plan.tracks // 2, 1)
    pool = Pool(stream, dataset.schema, capacity, plan.max_frames, rng, signal)
    arrays = ReusedArrays()
    while True:
        yield _draw_windows(pool, conditions, plan, rng, signal, arrays)


def form_batches(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    form: Form,
    seed: int,
    epoch: int = 0,
    part: Part = WHOLE_SPLIT,
) -> Iterator[tuple[Any, ...]]:
    """Endless NumPy batches in one form; the same for the same `seed` and `epoch`.

    Args:
        form: what becomes of the windows, see `dmml_tf.data.forms`.
        part: of the split, which alone is read: the batches of one replica.

    Raises:
        UserError: as `window_batches`, and on data that give nothing to learn from.
    """
    for batch in held_batches(dataset, split, conditions, plan, form, seed, epoch, part=part):
        yield tf.nest.map_structure(np.asarray, _play_batch(batch, plan, form.signal))


def held_batches(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    form: Form,
    seed: int,
    epoch: int = 0,
    recent: collections.deque[Any] | None = None,
    part: Part = WHOLE_SPLIT,
) -> Iterator[tuple[Any, ...]]:
    """As `form_batches`, but the windows are a `Sound` and not yet played."""
    drawn_from = [seed, epoch] if part.of == 1 else [seed, epoch, part.of, part.number]
    rng, part = np.random.default_rng(drawn_from), dataclasses.replace(part, key=(seed, epoch))
    fruitless = number = 0
    patience = max(PATIENCE, math.ceil(dataset.tracks(split) / (plan.tracks // 2)))
    for windows in window_batches(dataset, split, conditions, plan, rng, form.signal, part):
        batch = form.make(windows, rng)
        fruitless = 0 if batch is not None else fruitless + 1
        if batch is not None:
            if recent is not None:
                recent.append(((epoch, number), windows.track_ids))
            number += 1
            yield batch
        if fruitless >= patience:
            raise UserError(
                f"{dataset.folder}: split '{split}' gives no valid {form.unit} for any of "
                f"{', '.join(conditions.names)}; {form.needs}: add tracks, raise config.batch.pool, or "
                "divide the tracks yourself in the manifest's split column"
            )


def form_dataset(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    form: Form,
    steps: int,
    seed: int,
    first_epoch: int = 0,
    same_every_epoch: bool = False,
    recent: collections.deque[Any] | None = None,
) -> tf.data.Dataset:
    """`steps` batches an iteration, for `model.fit`; each iteration is an epoch of its own seed.

    Args:
        steps: batches an epoch.
        first_epoch: number of the first iteration, so that a resumed training sees what an
            uninterrupted one would have seen.
        same_every_epoch: for validation: every iteration gives the same batches, of windows that are not varied but
            by equaliser and gain.
        recent: gets ((epoch, number in it), track ids) of each batch, so that one that breaks a training can be told.

    Raises:
        UserError: as `Variation.require`.
    """
    epochs = itertools.count(first_epoch)
    # Here already: what is raised within a pipeline comes out as an error of TensorFlow's.
    Variation.of(plan.variation).require(form.signal, dataset.schema.vocabularies)
    if same_every_epoch:
        plan = dataclasses.replace(plan, variation=NONE)

    def generate() -> Iterator[tuple[Any, ...]]:
        epoch = first_epoch if same_every_epoch else next(epochs)
        if recent is not None:
            recent.clear()
        return itertools.islice(held_batches(dataset, split, conditions, plan, form, seed, epoch, recent), steps)

    batches = _played(generate, form, plan)
    # One prefetch, at the end: it overlaps sampling with the training step; more would only hold memory.
    return without_autotune(batches.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2))


def replica_dataset(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    form: Form,
    steps: int,
    seed: int,
    parts: Sequence[Part],
    first_epoch: int = 0,
    same_every_epoch: bool = False,
    recent: collections.deque[Any] | None = None,
) -> tf.data.Dataset:
    """One batch for each replica in turn, epoch after epoch without end: what one process gives its own replicas.

    A replica's batches hang on the seed, the epoch and its number among all, not on the process that it is in.

    Args:
        plan, form: of one replica's batch, see `BatchPlan.divide` and `dmml_tf.data.forms.filled_form`.
        parts: one for each of this process's replicas.
        steps, first_epoch, same_every_epoch, recent: as of `form_dataset`.

    Raises:
        UserError: as `Variation.require`.
    """
    Variation.of(plan.variation).require(form.signal, dataset.schema.vocabularies)
    if same_every_epoch:
        plan = dataclasses.replace(plan, variation=NONE)

    def generate() -> Iterator[tuple[Any, ...]]:
        for epoch in itertools.count(first_epoch, step=0 if same_every_epoch else 1):
            batches = [
                held_batches(dataset, split, conditions, plan, form, seed, epoch, recent, part) for part in parts
            ]
            for of_each in itertools.islice(zip(*batches), steps):
                yield from of_each

    return without_autotune(_played(generate, form, plan, len(parts)).prefetch(2 * len(parts)))


def _played(
    generate: Callable[[], Iterator[tuple[Any, ...]]], form: Form, plan: BatchPlan, replicas: int = 1
) -> tf.data.Dataset:
    # Python chooses and copies, in one thread and in order; threads of TensorFlow's play what has been copied, and give
    # the same batches in the same order however many there are.
    return tf.data.Dataset.from_generator(generate, output_signature=_held_tensors(form, plan)).map(
        lambda *batch: _play_batch(batch, plan, form.signal), num_parallel_calls=WORKERS * replicas, deterministic=True
    )


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
    """Batches of triplets for `model.fit`, as `form_dataset`.

    >>> conditions = dmml.Conditions([dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)])
    >>> plan, data = dmml.BatchPlan(tracks=4, triplets=8, pool=8), dmml.Dataset.load("data/mine")
    >>> inputs, _, _ = next(iter(dmml.triplet_dataset(data, "train", conditions, plan, steps=1, seed=0)))
    >>> inputs["windows"].shape.as_list()
    [8, 129, 128]
    """
    form = triplet_form(conditions, plan.triplets, explicit=plan.explicit)
    return form_dataset(dataset, split, conditions, plan, form, steps, seed, first_epoch, same_every_epoch)


@contextlib.contextmanager
def pipeline_errors() -> Iterator[None]:
    """Brings back, around `model.fit`, a `UserError` of the pipeline: tf.data passes it on as text alone."""
    try:
        yield
    except tf.errors.OpError as error:
        message = re.search(r"\bUserError: (.+)", str(error))
        if not message:
            raise
        raise UserError(message[1]) from error


def _held_tensors(form: Form, plan: BatchPlan) -> tuple[Any, ...]:
    """`form.tensors` before the windows are played."""
    inputs, *others = form.tensors
    dtype = form.signal.dtype if plan.variation == NONE else "float32"
    held = tf.TensorSpec(inputs["windows"].shape, dtype)
    return ({**inputs, "windows": Sound(held, tf.TensorSpec((None, 2), tf.float32))}, *others)


def _play_batch(batch: tuple[Any, ...], plan: BatchPlan, signal: Signal) -> tuple[Any, ...]:
    inputs, *others = batch
    amplified = bool(plan.equaliser_db or plan.gain_db)
    return ({**inputs, "windows": play(inputs["windows"], signal, amplified)}, *others)


def _draw_windows(
    pool: Pool,
    conditions: Conditions,
    plan: BatchPlan,
    rng: np.random.Generator,
    signal: Signal,
    arrays: ReusedArrays,
) -> Windows:
    new = pool.admit(plan.tracks // 2)
    partners = find_partners(conditions, pool.labels(), new, rng, pool.possible())
    slots = np.array((new + partners + new)[: plan.tracks])
    items = np.repeat(slots, plan.windows)
    rows = [pool.rows[s] for s in items]
    starts = np.concatenate(
        [window_starts(signal.frames(pool.rows[s]), plan.windows, rng, signal.features) for s in slots]
    )
    variation = Variation.of(plan.variation)
    speeds = variation.draw_speeds(pool.labels()["track"][items], rng)
    # From the track's own beginning: two copies of one song may be cut at different places.
    first = starts + np.array([row["first_frame"] for row in rows], np.int32)
    labels = label_windows(pool.labels(), pool.rows, pool.segmented, items, first, signal.features, speeds)
    windows, varied = cut_varied(rows, starts, labels, speeds, variation, rng, signal, arrays.empty)
    sound = Sound(windows, draw_gains(len(items), plan.equaliser_db, plan.gain_db, rng))
    return Windows(sound, varied, [row["track_id"] for row in rows])
