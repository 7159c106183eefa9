"""Plans what will be written of a manifest: splits, shards, vocabularies, and the key that tells builds apart."""

import dataclasses
import hashlib
import json
import math
import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tfrecords_tools.audio.decode import seconds_of
from tfrecords_tools.audio.extract import EXTRACTION, MOST_BYTES, bytes_per_second
from tfrecords_tools.audio.tempo import ESTIMATORS, MOST_SECONDS
from tfrecords_tools.build.label_notes import label_notes
from tfrecords_tools.build.plan_store import PlanStore
from tfrecords_tools.build.segment_store import SegmentStore
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.program import progress
from tfrecords_tools.schema import OPTIONAL_FIELDS, SCHEMA_VERSIONS, Schema
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.stores.store import StoreError
from tfrecords_tools.tables.manifest import Manifest
from tfrecords_tools.tables.rows import Reject, Row
from tfrecords_tools.tables.segment_table import SegmentTable

_SHARD_BYTES = 128 * 2**20
# (tracks, least shards): with fewer than 32 tracks in each, shards would not be a fair sample of the whole.
_LEAST_SHARDS = ((512, 16), (64, 8), (16, 2), (1, 1))
# Tracks of a shard, where 128 MiB of them are fewer.
_LEAST_TRACKS = 4
# Bytes of a record beside its arrays: ids, names, tags, framing.
_OVERHEAD_BYTES = 300
# Tracks that are looked at to learn how long a track is.
_SAMPLED = 32
# Medians of these lengths that one of them counts for at most.
_MOST_MEDIANS = 10
_FALLBACK_SECONDS = 30.0
# A smaller table is read before a line about it could be read.
_LONG_TABLE_BYTES = 20 * 2**20
TEMPO_MODES = (*ESTIMATORS, "column", "none")
FEATURES = ("log_mel", *OPTIONAL_FIELDS)
_Item = TypeVar("_Item")
LOUDNESS_RANGE = (-40.0, -5.0)  # LUFS; no recording is louder, and what is quieter drowns in 16 bits


@dataclasses.dataclass(frozen=True)
class Options:
    """What, beside the manifest and the audio, decides the bytes of a build.

    >>> data = dmml.build("songs.csv", "data/short", dmml.BuildOptions(max_seconds=3.5, tempo="column"), workers=1)

    Attributes:
        name: first part of the shards' names; empty takes the folder's name.
        seed: decides the split and the order.
        shards: for the training split; None plans them from the data.
        tempo: `madmom` estimates the tempo of every track whose `tempo` column is empty or missing (its
            models are licensed CC BY-NC-SA 4.0), `madmom_reference` does so by madmom's own code, a tenth as fast;
            `column` leaves such tracks unlabelled, `none` leaves the column out; None is `madmom` where there is a
            `tempo` column of numbers, else `none`.
        tempo_seconds: madmom listens to at most this much of a track's middle.
        resplit: splits by artist although the table has a split column.
        licence: free text for `dataset.json`.
        features: what to write of the audio, from `FEATURES`; `log_mel` is always written.
        max_seconds: at most that much from a track's beginning; None takes the whole track.
        loudness: LUFS that every track is brought to, see `LogMel.loudness`; None leaves it as loud as it is.
    """

    name: str = ""
    seed: int = 0
    shards: int | None = None
    tempo: str | None = None
    tempo_seconds: float = MOST_SECONDS
    resplit: bool = False
    licence: str = ""
    features: Sequence[str] = ("log_mel",)
    max_seconds: float | None = None
    loudness: float | None = None

    @property
    def audio(self) -> bool:
        """Whether the PCM is written too."""
        return "audio" in self.features


@dataclasses.dataclass(frozen=True)
class PlannedShard:
    """One shard: its split, its file's name, the place of its first row in the plan (from 0), and its rows' number."""

    split: str
    file: str
    first: int
    count: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a build will do. The rows are on disk; close it with `contextlib.closing`.

    Attributes:
        schema: vocabularies over all accepted rows, value dimensions, optional fields.
        options: what was asked for.
        shards: split by split, in the order they are written.
        store: the rows.
        segments: the segments of their tracks; None where no table of them was given.
        features: the signal chain of the records.
        key: differs where the manifest, an audio file's size or time, or an option differs.
        seconds: mean length of a track, by the lengths of some.
        measured: how many lengths that was; 0 where none is known and 30 s are assumed.
        estimates: whether madmom is asked for missing tempi.
    """

    schema: Schema
    options: Options
    shards: Sequence[PlannedShard]
    store: PlanStore
    features: LogMel
    key: str
    seconds: float
    measured: int
    estimates: bool
    segments: SegmentStore | None = None

    def rows(self, shard: PlannedShard) -> Iterator[Row]:
        """The rows of one shard, with their segments, in the order they are written."""
        rows = self.store.rows(shard.first, shard.count)
        return rows if self.segments is None else self.segments.with_segments(rows, shard.first, shard.count)

    def tracks(self, split: str) -> int:
        """Rows of a split."""
        return sum(shard.count for shard in self.shards if shard.split == split)

    def bytes(self, shards: Iterable[PlannedShard]) -> float:
        """Estimated size of some shards."""
        each = self.seconds * bytes_per_second(self.features, self.options.audio) + _OVERHEAD_BYTES
        return each * sum(shard.count for shard in shards)

    def close(self) -> None:
        """Closes the store."""
        self.store.close()


def make_plan(
    manifest: Manifest, options: Options, store_path: str | os.PathLike = "", table: SegmentTable | None = None
) -> Plan:
    """Reads the whole table once, and that of its tracks' segments.

    Args:
        manifest: what `read_manifest` opened.
        options: what, beside it, decides the bytes.
        store_path: file for the rows; empty keeps them in a temporary one.
        table: of segments, what `read_segments` opened; None where there is none.

    Raises:
        UserError: if an option is wrong, a table cannot be read to its end, its own split has an artist
            on two sides, or the disk is full.
    """
    _check(options)
    dimensions = _dimensions(manifest, table, options)
    features = dataclasses.replace(PAPER_CHAIN, loudness=options.loudness)
    digest = _begun_key(manifest, table, options, features)
    store = PlanStore(store_path, dimensions.tags, dimensions.values, options.seed)
    try:
        store.add_rejects(manifest.rejects, of_rows=False)
        store.add_notes(manifest.notes)
        store.fill(_stamped(manifest, digest))
        store.arrange(str(manifest.source), options.resplit)
        counts = store.tag_counts()
        segments = None
        if table is not None:
            segments = SegmentStore(store, dimensions.segmented_tags, dimensions.segmented_values)
            store.add_rejects(table.rejects, of_rows=False)
            segments.fill(_shown(table, table.path, "segments"))
            segments.arrange(options.max_seconds or math.inf, counts)
        for path in (manifest.path, *([table.path] if table is not None else ())):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        second_bytes = bytes_per_second(features, options.audio)
        # What is longer than a record can be is refused.
        most = min(options.max_seconds or math.inf, MOST_BYTES / second_bytes)
        seconds, measured = _typical_seconds(store, most)
        store.add_notes(label_notes(store, counts, dimensions.values))
        schema = dimensions.schema(counts, options)
        shards = _shards(store, seconds, options, second_bytes)
        key = digest.hexdigest()
        return Plan(schema, options, shards, store, features, key, seconds, measured, dimensions.estimates, segments)
    except BaseException:  # Ctrl-C as well: nobody else knows of the open store until there is a plan
        store.close()
        raise


def _begun_key(manifest: Manifest, table: SegmentTable | None, options: Options, features: LogMel):
    """A digest of all that decides a build's bytes but what is in files."""
    version = SCHEMA_VERSIONS[table is not None]
    root = os.fsencode(manifest.audio_root).hex()
    decides = [version, EXTRACTION, dataclasses.asdict(features), dataclasses.asdict(options), root]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode())


def shard_count(tracks: int, track_bytes: float) -> int:
    """Shards for that many tracks of that size: about 128 MiB each, at least 16 where each gets 32 tracks.

    However large the tracks are said to be, there are at most as many shards as a quarter of the tracks.
    """
    least = next((shards for enough, shards in _LEAST_SHARDS if tracks >= enough), 0)
    most = math.ceil(tracks / _LEAST_TRACKS)
    return max(least, math.ceil(min(tracks * track_bytes / _SHARD_BYTES, most)))


def _check(options: Options) -> None:
    if options.tempo not in (None, *TEMPO_MODES):
        raise UserError(f"--tempo={options.tempo}: unknown; known are: {', '.join(TEMPO_MODES)}")
    if options.shards is not None and options.shards < 1:
        raise UserError(f"--shards={options.shards}: must be at least 1")
    unknown = [name for name in options.features if name not in FEATURES]
    if unknown or "log_mel" not in options.features:
        raise UserError(
            f"--features={','.join(options.features)}: must be log_mel, or log_mel and some of: "
            f"{', '.join(OPTIONAL_FIELDS)}"
        )
    lufs = options.loudness
    if lufs is not None and not LOUDNESS_RANGE[0] <= lufs <= LOUDNESS_RANGE[1]:
        lowest, highest = LOUDNESS_RANGE
        raise UserError(f"--loudness={lufs:g}: must be from {lowest:g} to {highest:g} LUFS, such as -20")
    for flag, seconds in (("max_seconds", options.max_seconds), ("tempo_seconds", options.tempo_seconds)):
        if seconds is not None and not seconds >= 3.0:
            raise UserError(f"--{flag}={seconds}: must be at least 3, the length of one excerpt")


@dataclasses.dataclass(frozen=True)
class _Dimensions:
    """What tables and options have: tag and value dimensions, which of them segments label, and missing tempi."""

    tags: tuple[str, ...]
    values: tuple[str, ...]
    segmented_tags: tuple[str, ...]
    segmented_values: tuple[str, ...]
    estimates: bool

    def schema(self, counts: Mapping[str, Iterable[str]], options: Options) -> Schema:
        """Schema of the records, by the tags of each dimension."""
        optional = tuple(name for name in OPTIONAL_FIELDS if name in options.features)
        vocabularies = {name: tuple(sorted(tags)) for name, tags in counts.items()}
        return Schema(vocabularies, self.values, optional, (*self.segmented_tags, *self.segmented_values))


def _dimensions(manifest: Manifest, table: SegmentTable | None, options: Options) -> _Dimensions:
    segmented_tags, segmented_values = (table.tags, table.values) if table is not None else ((), ())
    tags, values = tuple(dict.fromkeys((*manifest.tags, *segmented_tags))), manifest.values
    estimates = options.tempo != "column" and "tempo" in values
    if options.tempo in ESTIMATORS and "tempo" in tags:
        source = manifest.source if table is None or "tempo" in manifest.tags else table.source
        raise UserError(
            f"{source}: the column 'tempo' holds tags, and --tempo={options.tempo} would give numbers; rename "
            "the column"
        )
    if options.tempo == "none":
        values, segmented_values = (
            tuple(name for name in names if name != "tempo") for names in (values, segmented_values)
        )
        estimates = False
    elif options.tempo in ESTIMATORS and "tempo" not in values:
        values, estimates = (*values, "tempo"), True
    values = tuple(dict.fromkeys((*values, *segmented_values)))
    return _Dimensions(tags, values, segmented_tags, segmented_values, estimates)


def _typical_seconds(store: PlanStore, most: float) -> tuple[float, int]:
    """Mean length of a track (s), and the number of lengths that it was taken from: those that are known of some.

    None counts for more than `most`, nor for more than ten medians: one that is wrong must not plan the build.
    """
    lengths = [min(seconds, most) for path in store.sample(_SAMPLED) if (seconds := _seconds_at(path))]
    if not lengths:
        return min(_FALLBACK_SECONDS, most), 0
    longest = _MOST_MEDIANS * statistics.median(lengths)
    return sum(min(seconds, longest) for seconds in lengths) / len(lengths), len(lengths)


def _seconds_at(path: str) -> float | None:
    """`seconds_of` a file, which at an address is fetched for that."""
    try:
        with local_copy(path) as copy:
            return seconds_of(copy)
    except StoreError:
        return None


def _stamped(manifest: Manifest, digest) -> Iterator[Row | Reject]:
    """The manifest's items; each row's file, its size and time go into the digest."""
    for item in _shown(manifest, manifest.path, "manifest"):
        if manifest.audio_is_checked and isinstance(item, Row):
            try:
                stamp = manifest.stamp(item.path)
            except OSError as error:
                raise UserError(f"{item.path}: changed while it was read ({error.strerror}); try again") from error
            digest.update(stamp.encode("utf-8", "surrogateescape"))
        yield item


def _shown(items: Iterable[_Item], path: Path, label: str) -> Iterable[_Item]:
    """The items of a table; of a long one the progress is shown."""
    return progress(items, label=label) if os.path.getsize(path) >= _LONG_TABLE_BYTES else items


def _shards(store: PlanStore, seconds: float, options: Options, second_bytes: float) -> list[PlannedShard]:
    planned, first = [], 0
    for split in SPLITS:
        tracks = store.tracks(split)
        count = shard_count(tracks, seconds * second_bytes)
        if options.shards and split == "train":
            count = min(options.shards, tracks)
        for place in range(count):
            begin, end = tracks * place // count, tracks * (place + 1) // count
            planned.append(
                PlannedShard(
                    split, f"{options.name}-{split}-{place:05d}-of-{count:05d}.tfrecord", first + begin, end - begin
                )
            )
        first += tracks
    return planned
