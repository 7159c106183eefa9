"""Every byte of a dataset read back: checksums, records, counts, and the table beside the shards."""

import array
import dataclasses
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfrecords_tools.check.framing import DamagedRecord, read_records
from tfrecords_tools.check.record_check import CheckedRecord, check_record
from tfrecords_tools.dataset import FILE_NAME, Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress
from tfrecords_tools.tables.tracks import TRACKS_FILE, TrackRow, track_rows

_AGAIN = "build the dataset again, or copy the file again from where it is whole"
# Seconds: tracks.csv rounds to a thousandth, float32 holds hours to as much.
_DURATIONS_APART = 0.002


@dataclasses.dataclass(frozen=True)
class Verified:
    """What was read and found sound: records, hours of audio, bytes of the shards, seconds it took."""

    records: int
    hours: float
    bytes: int
    seconds: float

    def __str__(self) -> str:
        mebibytes = self.bytes / 2**20
        return (
            f"{self.records} records sound: {self.hours:.2f} h of audio, {mebibytes:.1f} MiB read in "
            f"{self.seconds:.1f} s ({mebibytes / max(self.seconds, 1e-9):.0f} MiB/s)"
        )


def verify(dataset: Dataset) -> Verified:
    """Reads every record of every shard back and compares it with `dataset.json` and `tracks.csv`.

    Checked are, in this order: that every shard is there; of each record the masked CRC-32C of its length
    and of its data, then what `check_record` checks; of each shard its record count and SHA-256; and that
    records and rows of `tracks.csv` are the same tracks with the same split, names, tags, values and
    duration, in whatever order. One record is in memory at a time, and 28 bytes of each.

    Raises:
        UserError: at the first fault; names shard, record (from 1) and byte offset, or the table's line.
    """
    started = time.monotonic()
    shards = [(split, shard) for split, shards in dataset.splits.items() for shard in shards]
    for _, shard in shards:
        if not (dataset.folder / shard.file).is_file():
            raise UserError(f"{dataset.folder / shard.file}: listed in {FILE_NAME} but missing; {_AGAIN}")
    found = _Found()
    checked = (item for split, shard in shards for item in _shard_records(dataset, split, shard))
    for split, shard, number, offset, record in progress(checked, sum(shard.records for _, shard in shards), "records"):
        found.add(record, split, number, offset, shard)
    _compare(dataset, found)
    size = sum((dataset.folder / shard.file).stat().st_size for _, shard in shards)
    return Verified(
        len(found.ids), float(np.sum(found.durations, dtype=np.float64)) / 3600, size, time.monotonic() - started
    )


class _Found:
    """The records that were read, as columns: a digest of id and labels, duration, and where each is."""

    def __init__(self):
        self.ids, self.labels = array.array("Q"), array.array("Q")
        self.durations, self.offsets = array.array("f"), array.array("Q")
        self._shards: list[tuple[int, str]] = []

    def add(self, record: CheckedRecord, split: str, number: int, offset: int, shard: Shard) -> None:
        if number == 1:
            self._shards.append((len(self.ids), shard.file))
        self.ids.append(_digest(record.track_id))
        self.labels.append(_labels_digest(record, split))
        self.durations.append(record.duration)
        self.offsets.append(offset)

    def where(self, index: int) -> str:
        """Shard, number and offset of the record at `index`, for a message."""
        first, file = max(item for item in self._shards if item[0] <= index)
        return _place(file, index - first + 1, self.offsets[index])


def _place(file: str | Path, number: int, offset: int) -> str:
    return f"{file}: record {number} at byte {offset}"


def _shard_records(dataset: Dataset, split: str, shard: Shard) -> Iterator[tuple[str, Shard, int, int, CheckedRecord]]:
    path = dataset.folder / shard.file
    digest = hashlib.sha256()
    number = end = 0
    with open(path, "rb") as file:
        try:
            for number, (offset, data) in enumerate(read_records(file, passed=digest.update), start=1):
                if number > shard.records:
                    raise DamagedRecord(number, offset, f"is one too many: {FILE_NAME} lists {shard.records} records")
                yield split, shard, number, offset, _checked(dataset, data, number, offset)
        except DamagedRecord as damage:
            raise UserError(f"{_place(path, damage.number, damage.offset)}: {damage.reason}; {_AGAIN}") from damage
        end = file.tell()
    if number < shard.records:
        raise UserError(
            f"{path}: ends after record {number} at byte {end}, {FILE_NAME} lists {shard.records} records; {_AGAIN}"
        )
    if digest.hexdigest() != shard.sha256:
        raise UserError(
            f"{path}: all {number} records are whole, but its SHA-256 {digest.hexdigest()[:12]}... is not "
            f"the {shard.sha256[:12]}... of {FILE_NAME}: it is another build's file; {_AGAIN}"
        )


def _checked(dataset: Dataset, data: bytes, number: int, offset: int) -> CheckedRecord:
    try:
        return check_record(data, dataset.schema, dataset.features)
    except ValueError as error:
        raise DamagedRecord(number, offset, str(error)) from error


def _digest(*parts: str) -> int:
    """64 bits: among a million tracks, two share them by chance once in 37 million datasets."""
    joined = "\0".join(parts).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "little")


def _labels_digest(track: CheckedRecord | TrackRow, split: str) -> int:
    tags = (f"{name}={'|'.join(sorted(tags))}" for name, tags in track.tags.items())
    # As float32, which is what a record holds.
    values = (f"{name}={np.float32(value)}" for name, value in track.values.items())
    return _digest(split, track.artist, track.title, *tags, *values)


def _compare(dataset: Dataset, found: _Found) -> None:
    """Compares records with the rows of `tracks.csv`, in whatever order these are."""
    path = dataset.folder / TRACKS_FILE
    ids = np.frombuffer(found.ids, np.uint64) if found.ids else np.zeros(0, np.uint64)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twice):
        first, second = (found.where(int(order[twice[0] + more])) for more in (0, 1))
        raise UserError(f"{dataset.folder / second}: has the track_id of {first}; build the dataset again")
    seen = np.zeros(len(ids), bool)
    for row in track_rows(dataset.folder, dataset.schema):
        wanted = np.uint64(_digest(row.track_id))
        place = int(np.searchsorted(ordered, wanted))
        if place == len(ids) or ordered[place] != wanted:
            raise UserError(
                f"{path}: line {row.line}: no record has the track_id '{row.track_id}'; build the dataset again"
            )
        index = int(order[place])
        _compare_row(dataset.folder, row, index, bool(seen[index]), found)
        seen[index] = True
    if not seen.all():
        lacking = int(np.argmin(seen))
        raise UserError(
            f"{dataset.folder / found.where(lacking)}: {TRACKS_FILE} has no row for it ({int(seen.sum())} "
            f"rows, {len(seen)} records); build the dataset again"
        )


def _compare_row(folder: Path, row: TrackRow, index: int, seen: bool, found: _Found) -> None:
    reason = ""
    if seen:
        reason = f"a second row of the track_id '{row.track_id}'"
    elif found.labels[index] != _labels_digest(row, row.split):
        reason = f"split, artist, title, tags or values differ from {found.where(index)}"
    elif abs(found.durations[index] - row.duration) > _DURATIONS_APART:
        reason = (
            f"duration {row.duration:.3f} s differs from the {found.durations[index]:.3f} s of {found.where(index)}"
        )
    if reason:
        raise UserError(f"{folder / TRACKS_FILE}: line {row.line}: {reason}; build the dataset again")
