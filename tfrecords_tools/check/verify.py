"""Every byte of a dataset read back: checksums, records, counts, and the table beside the shards."""

import array
import dataclasses
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from tfrecords_tools.audio.same_sound import ALLOW, Copy, pairs, refuse_across_splits, same_sounds, sound_digest
from tfrecords_tools.check.framing import DamagedRecord, read_records
from tfrecords_tools.dataset import FILE_NAME, Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import progress
from tfrecords_tools.schema import OPTIONAL_FIELDS, Field, Schema, example_features, read_field
from tfrecords_tools.tables.tracks import TRACKS_FILE, TrackRow, track_rows

_AGAIN = "build the dataset again, or copy the file again from where it is whole"
# Seconds: tracks.csv rounds to a thousandth, float32 holds hours to as much.
_DURATIONS_APART = 0.002
# Frames that a rounded duration may make or take.
_FRAMES_APART = 1
_SHOWN = 20  # copies


@dataclasses.dataclass(frozen=True)
class Verified:
    """What was read and found whole: records, hours of audio, bytes of the shards, seconds it took; and the copies.

    Attributes:
        duplicates: groups of tracks that are the same sound.
    """

    records: int
    hours: float
    bytes: int
    seconds: float
    duplicates: Sequence[Sequence[Copy]] = ()

    def __str__(self) -> str:
        mebibytes = self.bytes / 2**20
        lines = [
            f"{self.records} records sound: {self.hours:.2f} h of audio, {mebibytes:.1f} MiB read in "
            f"{self.seconds:.1f} s ({mebibytes / max(self.seconds, 1e-9):.0f} MiB/s)"
        ]
        copies = [f"  {copy} is the same sound as {first}" for group in self.duplicates for first, copy in pairs(group)]
        if copies:
            hidden = [f"  and {len(copies) - _SHOWN} more"] if len(copies) > _SHOWN else []
            lines += [f"duplicates: {len(copies)}", *copies[:_SHOWN], *hidden]
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class CheckedRecord:
    """What of a sound record is compared with `tracks.csv`.

    Attributes:
        track_id, artist, title: the record's.
        duration: seconds.
        tags: tag dimension -> its tags' names, sorted.
        values: value dimension -> number, NaN where unlabelled.
        digest: of its sound, see `same_sound.sound_digest`.
    """

    track_id: str
    artist: str
    title: str
    duration: float
    tags: dict[str, tuple[str, ...]]
    values: dict[str, float]
    digest: bytes


def verify(dataset: Dataset, allow_duplicates: bool = False) -> Verified:
    """Reads every record of every shard back and compares it with `dataset.json` and `tracks.csv`.

    Checked are, in this order: that every shard is there; of each record the masked CRC-32C of its length
    and of its data, then what `check_record` checks; of each shard its record count and SHA-256; and that
    records and rows of `tracks.csv` are the same tracks with the same split, names, tags, values and
    duration, in whatever order; and that no sound is in two splits. One record is in memory at a time, and 44 bytes
    of each.

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
    return Verified(len(records.ids), hours, size, time.monotonic() - started, duplicates)


class _Records:
    """The records that were read, as columns: digests of id, labels and sound, duration, and where each is."""

    def __init__(self) -> None:
        self.ids, self.labels = array.array("Q"), array.array("Q")
        self.durations, self.offsets = array.array("f"), array.array("Q")
        self.sounds = bytearray()
        self._shards: list[tuple[int, str]] = []

    def add(self, record: CheckedRecord, split: str, number: int, offset: int, shard: Shard) -> None:
        if number == 1:
            self._shards.append((len(self.ids), shard.file))
        self.ids.append(_digest(record.track_id))
        self.labels.append(_labels_digest(record, split))
        self.durations.append(record.duration)
        self.offsets.append(offset)
        self.sounds += record.digest

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


def _compare(dataset: Dataset, records: _Records) -> list[list[Copy]]:
    """Compares records with the rows of `tracks.csv`, in whatever order these are; returns those of the same sound."""
    path = dataset.folder / TRACKS_FILE
    ids = np.frombuffer(records.ids, np.uint64) if records.ids else np.zeros(0, np.uint64)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twice):
        first, second = (records.where(int(order[twice[0] + more])) for more in (0, 1))
        raise UserError(f"{dataset.folder / second}: has the track_id of {first}; build the dataset again")
    seen = np.zeros(len(ids), bool)
    groups = list(same_sounds(records.sounds))
    copies = {index: Copy("", "", "") for group in groups for index in group}
    for row in track_rows(dataset.folder, dataset.schema):
        wanted = np.uint64(_digest(row.track_id))
        place = int(np.searchsorted(ordered, wanted))
        if place == len(ids) or ordered[place] != wanted:
            raise UserError(
                f"{path}: line {row.line}: no record has the track_id '{row.track_id}'; build the dataset again"
            )
        index = int(order[place])
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
    return [[copies[index] for index in group] for group in groups]


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


def check_record(data: bytes, schema: Schema, chain: LogMel) -> CheckedRecord:
    """Reads one serialised `tf.train.Example`; fields that the schema does not name are passed over.

    Stricter than `Schema.decode`, which takes what is well-formed: here numbers must be finite, tag ids
    must be in their vocabulary, and the log-mel must be as long as the duration says.

    Args:
        data: the record's bytes.
        schema: the dataset's.
        chain: the dataset's signal chain.

    Raises:
        ValueError: with the field and what is wrong with it.
    """
    features = example_features(data)
    fields = {**schema.fields, **{name: OPTIONAL_FIELDS[name] for name in schema.optional}}
    read: dict[str, Any] = {
        name: _read(name, field, features[name]) if name in features else _absent(name)
        for name, field in fields.items()
    }
    _check_length(read, chain)
    if not read["track_id"]:
        raise ValueError("track_id: is empty")
    return CheckedRecord(
        read["track_id"],
        read["artist"],
        read["title"],
        read["duration"],
        {name: _names(name, read[f"tags/{name}"], tags) for name, tags in schema.vocabularies.items()},
        {name: read[f"values/{name}"] for name in schema.values},
        sound_digest(read["log_mel"]),
    )


def _absent(name: str) -> NoReturn:
    raise ValueError(f"{name}: the record has no such field")


def _read(name: str, field: Field, feature: tf.train.Feature) -> str | float | np.ndarray:
    value: Any = read_field(name, field, feature)
    if field.raw:
        if np.issubdtype(field.dtype, np.floating) and not _all_finite(value):
            row, *_ = np.argwhere(~np.isfinite(value))[0]
            raise ValueError(f"{name}: not finite in row {row}")
    elif field.dtype == "float32":
        # Read as NaN, an empty list says "unlabelled", which only a label may be; a NaN that was written is no number.
        empty = not feature.float_list.value
        if empty and not name.startswith("values/"):
            raise ValueError(f"{name}: holds 0 values, not one")
        if not empty and not np.isfinite(value):
            raise ValueError(f"{name}: is {value}")
        return float(value)
    return value


def _all_finite(array: np.ndarray) -> bool:
    if array.dtype != np.float16:
        return bool(np.isfinite(array).all())
    # An exponent of all ones is infinity or NaN; eight times as fast as numpy's isfinite of float16.
    return not ((array.view(np.uint16) & 0x7C00) == 0x7C00).any()


def _check_length(read: Mapping, chain: LogMel) -> None:
    duration, frames = read["duration"], len(read["log_mel"])
    if duration <= 0:
        raise ValueError(f"duration: is {duration:g} s")
    samples = round(duration * chain.sample_rate)
    # A track of 3 s may lack the last frame of an excerpt and is padded to a whole one.
    expected = max(chain.window_frames, chain.frames(samples))
    if abs(frames - expected) > _FRAMES_APART:
        raise ValueError(f"log_mel: has {frames} frames where a duration of {duration:.3f} s gives {expected}")
    if "audio" in read and abs(len(read["audio"]) - samples) > _FRAMES_APART * chain.hop:
        raise ValueError(
            f"audio: has {len(read['audio'])} samples where a duration of {duration:.3f} s gives {samples}"
        )


def _names(name: str, ids: np.ndarray, tags: tuple[str, ...]) -> tuple[str, ...]:
    outside = ids[(ids < 0) | (ids >= len(tags))]
    if len(outside):
        raise ValueError(f"tags/{name}: id {outside[0]} is outside the vocabulary of {len(tags)} tags")
    return tuple(sorted(tags[tag] for tag in ids))
