"""Every byte of a dataset read back: checksums, records, counts, and the table beside the shards."""

import array
import dataclasses
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.audio.same_sound import ALLOW, Copy, pairs, refuse_across_splits, same_sounds
from tfrecords_tools.check.digests import Places, digest
from tfrecords_tools.check.framing import DamagedRecord, read_records
from tfrecords_tools.check.record import CheckedRecord, check_record
from tfrecords_tools.check.segments import segments_digest
from tfrecords_tools.dataset import FILE_NAME, Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress
from tfrecords_tools.tables.segment_table import SegmentRow
from tfrecords_tools.tables.track_segments import segment_rows
from tfrecords_tools.tables.tracks import SEGMENTS_FILE, TRACKS_FILE, TrackRow, track_rows

_AGAIN = "build the dataset again, or copy the file again from where it is whole"
# Seconds: tracks.csv rounds to a thousandth, float32 holds hours to as much.
_DURATIONS_APART = 0.002
_SHOWN = 20  # copies


@dataclasses.dataclass(frozen=True)
class Verified:
    """What was read and found whole: records, hours of audio, bytes of the shards, seconds it took; and the copies.

    Attributes:
        duplicates: groups of tracks that are the same sound.
        segments: how many the tracks have.
    """

    records: int
    hours: float
    bytes: int
    seconds: float
    duplicates: Sequence[Sequence[Copy]] = ()
    segments: int = 0

    def __str__(self) -> str:
        mebibytes = self.bytes / 2**20
        segments = f" with {self.segments} segments" if self.segments else ""
        lines = [
            f"{self.records} records{segments} sound: {self.hours:.2f} h of audio, {mebibytes:.1f} MiB read in "
            f"{self.seconds:.1f} s ({mebibytes / max(self.seconds, 1e-9):.0f} MiB/s)"
        ]
        copies = [f"  {copy} is the same sound as {first}" for group in self.duplicates for first, copy in pairs(group)]
        if copies:
            hidden = [f"  and {len(copies) - _SHOWN} more"] if len(copies) > _SHOWN else []
            lines += [f"duplicates: {len(copies)}", *copies[:_SHOWN], *hidden]
        return "\n".join(lines)


def verify(dataset: Dataset, allow_duplicates: bool = False) -> Verified:
    """Reads every record of every shard back and compares it with `dataset.json` and `tracks.csv`.

    Checked are, in this order: that every shard is there; of each record the masked CRC-32C of its length
    and of its data, then what `check_record` checks; of each shard its record count and SHA-256; that
    records and rows of `tracks.csv` are the same tracks with the same split, names, tags, values and
    duration, in whatever order; that they and the rows of `track_segments.csv` have the same segments; and that no
    sound is in two splits. One record is in memory at a time, and 52 bytes of each.

    Args:
        dataset: what is read.
        allow_duplicates: lets the same sound be in two splits under two ids.

    Raises:
        UserError: at the first fault; names shard, record (from 1) and byte offset, or the table's line.
    """
    started = time.monotonic()
    shards = [(split, shard) for split, shards in dataset.splits.items() for shard in shards]
    dataset.fetch(shard for _, shard in shards)
    for _, shard in shards:
        if not (dataset.folder / shard.file).is_file():
            raise UserError(f"{dataset.folder / shard.file}: listed in {FILE_NAME} but missing; {_AGAIN}")
    records = _Records()
    checked = (item for split, shard in shards for item in _shard_records(dataset, split, shard))
    for split, shard, number, offset, record in progress(checked, sum(shard.records for _, shard in shards), "records"):
        records.add(record, split, number, offset, shard)
    duplicates = _compare(dataset, records)
    if not allow_duplicates:
        refuse_across_splits(dataset.place, duplicates, f"build it again without them, or give {ALLOW}")
    size = sum((dataset.folder / shard.file).stat().st_size for _, shard in shards)
    hours = float(np.sum(records.durations, dtype=np.float64)) / 3600
    return Verified(len(records.ids), hours, size, time.monotonic() - started, duplicates, records.segment_count)


class _Records:
    """The records that were read, as columns: digests of id, labels, sound, segments; duration, and where each is."""

    def __init__(self) -> None:
        self.ids, self.labels = array.array("Q"), array.array("Q")
        self.durations, self.offsets = array.array("f"), array.array("Q")
        self.sounds = bytearray()
        self.segments, self.segment_count = array.array("Q"), 0
        self._shards: list[tuple[int, str]] = []

    def add(self, record: CheckedRecord, split: str, number: int, offset: int, shard: Shard) -> None:
        if number == 1:
            self._shards.append((len(self.ids), shard.file))
        self.ids.append(digest(record.track_id))
        self.labels.append(_labels_digest(record, split))
        self.durations.append(record.duration)
        self.offsets.append(offset)
        self.sounds += record.digest
        self.segments.append(record.segments[1])
        self.segment_count += record.segments[0]

    def where(self, index: int) -> str:
        """Shard, number and offset of the record at `index`, for a message."""
        first, file = max(item for item in self._shards if item[0] <= index)
        return _place(file, index - first + 1, self.offsets[index])


def _place(file: str | Path, number: int, offset: int) -> str:
    return f"{file}: record {number} at byte {offset}"


def _shard_records(dataset: Dataset, split: str, shard: Shard) -> Iterator[tuple[str, Shard, int, int, CheckedRecord]]:
    path = dataset.folder / shard.file
    read = hashlib.sha256()
    number = end = 0
    with open(path, "rb") as file:
        try:
            for number, (offset, data) in enumerate(read_records(file, passed=read.update), start=1):
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
    if read.hexdigest() != shard.sha256:
        raise UserError(
            f"{path}: all {number} records are whole, but its SHA-256 {read.hexdigest()[:12]}... is not "
            f"the {shard.sha256[:12]}... of {FILE_NAME}: it is another build's file; {_AGAIN}"
        )


def _checked(dataset: Dataset, data: bytes, number: int, offset: int) -> CheckedRecord:
    try:
        return check_record(data, dataset.schema, dataset.features)
    except ValueError as error:
        raise DamagedRecord(number, offset, str(error)) from error


def _labels_digest(track: CheckedRecord | TrackRow, split: str) -> int:
    tags = (f"{name}={'|'.join(sorted(tags))}" for name, tags in track.tags.items())
    # As float32, which is what a record holds.
    values = (f"{name}={np.float32(value)}" for name, value in track.values.items())
    return digest(split, track.artist, track.title, *tags, *values)


def _compare(dataset: Dataset, records: _Records) -> list[list[Copy]]:
    """Compares records with the rows of `tracks.csv`, in whatever order these are; returns those of the same sound."""
    path = dataset.folder / TRACKS_FILE
    places = Places(records.ids)
    twice = places.twice()
    if twice is not None:
        first, second = map(records.where, twice)
        raise UserError(f"{dataset.folder / second}: has the track_id of {first}; build the dataset again")
    seen = np.zeros(len(records.ids), bool)
    groups = list(same_sounds(records.sounds))
    copies = {index: Copy("", "", "") for group in groups for index in group}
    for row in track_rows(dataset.folder, dataset.schema):
        index = _found(places, row, path)
        _compare_row(dataset.folder, row, index, bool(seen[index]), records)
        seen[index] = True
        if index in copies:
            copies[index] = Copy(row.track_id, row.split, f"line {row.line} of {TRACKS_FILE}")
    if not seen.all():
        lacking = int(np.argmin(seen))
        raise UserError(
            f"{dataset.folder / records.where(lacking)}: {TRACKS_FILE} has no row for it ({int(seen.sum())} "
            f"rows, {len(seen)} records); build the dataset again"
        )
    _compare_segments(dataset, records, places)
    return [[copies[index] for index in group] for group in groups]


def _found(places: Places, row: TrackRow | SegmentRow, path: Path) -> int:
    index = places.find(row.track_id)
    if index is None:
        line = row.segment.line if isinstance(row, SegmentRow) else row.line
        raise UserError(f"{path}: line {line}: no record has the track_id '{row.track_id}'; build the dataset again")
    return index


def _compare_segments(dataset: Dataset, records: _Records, places: Places) -> None:
    """Compares the segments of records with the rows of `track_segments.csv`, in whatever order these are."""
    path, left = dataset.folder / SEGMENTS_FILE, records.segments
    for row in segment_rows(dataset.folder, dataset.schema):
        index = _found(places, row, path)
        left[index] = (left[index] - segments_digest([row.segment])) % (1 << 64)
    differing = np.flatnonzero(left)
    if len(differing):
        raise UserError(
            f"{dataset.folder / records.where(int(differing[0]))}: its segments differ from those of "
            f"{SEGMENTS_FILE}; build the dataset again"
        )


def _compare_row(folder: Path, row: TrackRow, index: int, seen: bool, records: _Records) -> None:
    reason = ""
    if seen:
        reason = f"a second row of the track_id '{row.track_id}'"
    elif records.labels[index] != _labels_digest(row, row.split):
        reason = f"split, artist, title, tags or values differ from {records.where(index)}"
    elif abs(records.durations[index] - row.duration) > _DURATIONS_APART:
        reason = (
            f"duration {row.duration:.3f} s differs from the {records.durations[index]:.3f} s of {records.where(index)}"
        )
    if reason:
        raise UserError(f"{folder / TRACKS_FILE}: line {row.line}: {reason}; build the dataset again")
