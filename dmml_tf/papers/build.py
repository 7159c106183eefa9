"""All rows of a table, one after the other: trained or found, scored, written after each."""

import gc
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import ml_collections
import tensorflow as tf
from tensorflow import keras

from dmml_tf.papers.baselines import NAMES, Statistics, baseline
from dmml_tf.papers.clock import Clock, Job, spoken
from dmml_tf.papers.held_out_side import HeldOutSide, HumanTriplets
from dmml_tf.papers.keep import Kept, key_of
from dmml_tf.papers.measure import Measured, measure
from dmml_tf.papers.networks import specialized, trained, untrained
from dmml_tf.papers.pairs import check_pairs
from dmml_tf.papers.rows import BASELINE, SPECIALIZED, TRAIN, Row, load_config, rows_of, system_config
from dmml_tf.papers.summary import Outcome
from dmml_tf.papers.system import System
from dmml_tf.training.train import conditions_from_config
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

FIGURES, RUNS, FAILED = "figures", "trained", "failed"
# What data, configurations, Keras and the disk may raise in one row: the other rows are still worth having.
_ROW_ERRORS = (
    UserError,
    OSError,
    MemoryError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    tf.errors.OpError,
)

Write = Callable[[ml_collections.ConfigDict, HeldOutSide, Sequence[Outcome]], None]


def build_table(
    table: ml_collections.ConfigDict,
    data: str | os.PathLike,
    out: Path,
    write: Write,
    judged: HumanTriplets | None = None,
) -> list[Outcome]:
    """Trains and scores every row; goes on where an earlier call stopped.

    Run folders lie beside `out` in `trained`, so that tables share them. A row's figures are kept in
    `out` and made again only when something that they hang on has changed. A row that fails is written
    down with its reason, its traceback in `out/failed` until it succeeds, and is tried again by the next call.

    Args:
        table: see `configs/tables/icassp2020.py`.
        data: folder of a built dataset.
        out: the table's folder.
        write: called with all rows after each that is new, and at the end.
        judged: people's judgements, where there are any.

    Raises:
        UserError: on a configuration or data that no row can be made of.
    """
    rows, dataset = rows_of(table, NAMES), Dataset.load(data)
    conditions = conditions_from_config(load_config(table.scored, "config.scored"), dataset)
    side = HeldOutSide.read(
        dataset, conditions, table.triplets, table.triplet_seed, table.rounds, table.tagging, judged
    )
    check_pairs(table.pairs, side.conditions.names)
    if not side.compared:
        raise UserError(f"{dataset.folder}: the test split holds no triplet of any condition; label more of its tracks")
    kept, clock, statistics = Kept(out / FIGURES, side), Clock(), Statistics(dataset)
    outcomes = [Outcome(row) for row in rows]
    todo = [(outcome, seed) for outcome in outcomes for seed in outcome.row.seeds]
    jobs = {(o.row.name, seed): _job(o.row, seed, table, side) for o, seed in todo}
    for outcome, seed in list(todo):
        measured = kept.load(outcome.row, seed, key_of(outcome.row, seed, table, side))
        if measured is not None:
            outcome.measured[seed] = measured
            _traceback_file(out, outcome.row, seed).unlink(missing_ok=True)
            clock.took(jobs[outcome.row.name, seed], (measured.seconds or 0.0) + measured.scoring_seconds)
            todo.remove((outcome, seed))
    begun, total = time.monotonic(), len(jobs)
    for number, (outcome, seed) in enumerate(todo):
        left = clock.left([jobs[o.row.name, s] for o, s in todo[number:]])
        _say(
            f"[{total - len(todo) + number + 1}/{total}] {outcome.row.name}, seed {seed}: "
            f"{spoken(time.monotonic() - begun)} so far, {'unknown' if left is None else spoken(left)} left"
        )
        started = time.monotonic()
        if _run(outcome, seed, table, side, out, kept, statistics):
            clock.took(jobs[outcome.row.name, seed], time.monotonic() - started)
        write(table, side, outcomes)
    if not todo:
        write(table, side, outcomes)
    return outcomes


def _run(outcome: Outcome, seed: int, table, side: HeldOutSide, out: Path, kept: Kept, statistics: Statistics) -> bool:
    """Whether the row could be made; its figures or its failure are in `outcome` then."""
    row = outcome.row
    try:
        measured = _make(row, seed, table, side, out.parent / RUNS, statistics)
        kept.save(row, seed, key_of(row, seed, table, side), measured)
    except _ROW_ERRORS as error:
        reason = " ".join(str(error).split())[:400]
        outcome.failed[seed] = reason if isinstance(error, UserError) else f"{type(error).__name__}: {reason}"
        (out / FAILED).mkdir(parents=True, exist_ok=True)
        _traceback_file(out, row, seed).write_text(traceback.format_exc(), encoding="utf-8")
        _say(f"{row.name}, seed {seed} FAILED: {outcome.failed[seed]}")
        return False
    outcome.measured[seed] = measured
    _traceback_file(out, row, seed).unlink(missing_ok=True)
    return True


def _traceback_file(out: Path, row: Row, seed: int) -> Path:
    return out / FAILED / f"{row.name}-s{seed}.txt"


def _make(row: Row, seed: int, table, side: HeldOutSide, runs: Path, statistics: Statistics) -> Measured:
    systems = _systems(row, seed, table, side, runs, statistics)
    try:
        return measure(systems, side)
    finally:
        # Keras keeps what it has built; twenty networks in one process would add up.
        keras.backend.clear_session()
        gc.collect()


def _systems(row: Row, seed: int, table, side: HeldOutSide, runs: Path, statistics: Statistics) -> list[System]:
    if row.source == BASELINE:
        return baseline(row, seed, side, statistics)
    if row.source == SPECIALIZED:
        return specialized(row, table, seed, side, runs)
    config = system_config(table, row, seed)
    return [trained(row, config, side, runs) if row.source == TRAIN else untrained(config, side)]


def _job(row: Row, seed: int, table: ml_collections.ConfigDict, side: HeldOutSide) -> Job:
    if row.source == TRAIN:
        return "training", system_config(table, row, seed).train.steps
    if row.source == SPECIALIZED:
        steps = [system_config(table, row, seed, name).train.steps for name in side.compared]
        return "training", sum(steps)
    return "fitting", 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
