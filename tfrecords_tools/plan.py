"""From a manifest to what will be written: splits, shards, vocabularies, and the key that tells builds apart."""

import collections
import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence

from tfrecords_tools.audio import seconds_of
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.manifest import Manifest, Reject, Row
from tfrecords_tools.schema import SCHEMA_VERSION, Schema
from tfrecords_tools.splits import artist_key, refuse_shared_artists, seeded_order, split_by_artist

_SHARD_BYTES = 128 * 2**20
# Tracks whose header is read to learn how long a track is.
_SAMPLED = 32
_FALLBACK_SECONDS = 30.0
TEMPO_MODES = ("madmom", "column")


@dataclasses.dataclass(frozen=True)
class Options:
    """What, beside the manifest, decides the bytes of a build.

    Attributes:
        name: first part of the shards' names.
        seed: of the split and of the order.
        shards: for the training split; None plans them from the data.
        tempo: `madmom` fills empty cells of a `tempo` column, `column` leaves them unlabelled.
        resplit: splits by artist although the table has a split column.
        licence: free text for `dataset.json`.
    """

    name: str
    seed: int = 0
    shards: int | None = None
    tempo: str = "madmom"
    resplit: bool = False
    licence: str = ""


@dataclasses.dataclass(frozen=True)
class PlannedShard:
    """One shard: its split, its file's name and the rows it gets, in order."""

    split: str
    file: str
    rows: Sequence[Row]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a build will do.

    Attributes:
        schema: vocabularies over all accepted rows, value dimensions.
        shards: split by split, in the order they are written.
        rejects: rows and columns that are left out so far.
        key: differs where the manifest, an audio file's size or time, or an option differs.
    """

    schema: Schema
    shards: Sequence[PlannedShard]
    rejects: Sequence[Reject]
    key: str

    def rows(self) -> Iterator[Row]:
        """All rows, in the order they are written."""
        return (row for shard in self.shards for row in shard.rows)


def make_plan(manifest: Manifest, options: Options) -> Plan:
    """Reads the whole table once.

    Raises:
        UserError: if the table cannot be read to its end, or its own split has an artist on two sides.
    """
    rejects, rows = list(manifest.rejects), []
    for item in manifest:
        (rejects if isinstance(item, Reject) else rows).append(item)
    if any(row.split for row in rows) and not options.resplit:
        rejects += [Reject(row.line, row.track_id, "split", "is empty where other rows have one; fill it in, or give "
                           "--resplit") for row in rows if not row.split]
        rows = [row for row in rows if row.split]
        keyed = ((artist_key(row.track_id, row.artist), row.artist, row.split) for row in rows)
        refuse_shared_artists(keyed, str(manifest.path))
        splits = {row.track_id: row.split for row in rows}
    else:
        splits = _split(rows, options.seed)
    rows.sort(key=lambda row: (seeded_order(options.seed, row.track_id), row.track_id))
    tags: dict[str, set[str]] = {name: set() for name in manifest.tags}
    for row in rows:
        for name, used in row.tags.items():
            tags[name].update(used)
    schema = Schema({name: tuple(sorted(used)) for name, used in tags.items()}, manifest.values)
    return Plan(schema, _shards(rows, splits, options), rejects, _key(manifest, rows, options))


def shard_count(tracks: int, seconds: float) -> int:
    """Shards for that many tracks of that length: about 128 MiB each, at least 8 where there are 64 tracks."""
    chain = LogMel()
    size = tracks * seconds * chain.frames_per_second * chain.n_mels * 2
    least = 8 if tracks >= 64 else 2 if tracks >= 16 else min(tracks, 1)
    return max(least, math.ceil(size / _SHARD_BYTES))


def _split(rows: Sequence[Row], seed: int) -> dict[str, str]:
    keys = {row.track_id: artist_key(row.track_id, row.artist) for row in rows}
    assigned = split_by_artist(collections.Counter(keys.values()), seed)
    return {track_id: assigned[key] for track_id, key in keys.items()}


def _shards(rows: Sequence[Row], splits: Mapping[str, str], options: Options) -> list[PlannedShard]:
    known = [seconds for row in rows[:_SAMPLED] if (seconds := seconds_of(row.path))]
    seconds = sum(known) / len(known) if known else _FALLBACK_SECONDS
    planned = []
    for split in SPLITS:
        mine = [row for row in rows if splits[row.track_id] == split]
        count = shard_count(len(mine), seconds)
        if options.shards and split == "train":
            count = min(options.shards, len(mine))
        bounds = [len(mine) * place // count for place in range(count + 1)] if count else []
        planned += [
            PlannedShard(split, f"{options.name}-{split}-{place:05d}-of-{count:05d}.tfrecord",
                         mine[bounds[place] : bounds[place + 1]])
            for place in range(count)
        ]
    return planned


def _key(manifest: Manifest, rows: Sequence[Row], options: Options) -> str:
    settings = [SCHEMA_VERSION, dataclasses.asdict(LogMel()), dataclasses.asdict(options)]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    try:
        digest.update(manifest.path.read_bytes())
        for row in rows:
            status = os.stat(row.path)
            digest.update(f"{row.path}:{status.st_size}:{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UserError(f"{error.filename}: changed while it was read ({error.strerror}); try again") from error
    return digest.hexdigest()
