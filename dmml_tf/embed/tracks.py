"""Any number of tracks -> the Parquet file of their embeddings; streaming, and it goes on where it was interrupted.

Source of the mean over windows: Lee et al., ICASSP 2020, section 3.3. While at work there is a folder
`OUT.parts`: `state.json` says what is being embedded, and each 256 items are one part, renamed into place.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import embeddings_schema, join_parts, table_of, write_table
from dmml_tf.embed.sounds import Sound, Source, Unusable
from tfrecords_tools.files import write_json
from tfrecords_tools.notes import RowNote
from tfrecords_tools.program import progress
from tfrecords_tools.tables.manifest import Reject

PART = 256  # items that an interruption may cost
_FORM = 2  # of a part's note: it has notes beside rejects


@dataclasses.dataclass(frozen=True)
class EmbedOptions:
    """What is stored of each track.

    Attributes:
        windows: keeps each 3 s window beside the mean.
        dtype: `float32` or `float16`.
    """

    windows: bool = False
    dtype: str = "float32"


@dataclasses.dataclass(frozen=True)
class EmbeddedTracks:
    """What came of a source: tracks written, the rows that could not be used, and what was odd."""

    tracks: int
    rejects: list[Reject]
    notes: list[RowNote]


def embed_tracks(
    embedder: Embedder, model: str, source: Source, key: str, out: Path, options: EmbedOptions
) -> EmbeddedTracks:
    """Writes `out`; in memory are one batch, one track and the vectors of one part.

    Args:
        embedder: of the trained network.
        model: SHA-256 of its weights.
        source: the tracks, with the sound that the network takes.
        key: says what the source is; parts of another key, model or options are done again.
        out: a .parquet file.
        options: see there.
    """
    schema = embeddings_schema(source.columns, embedder.size, options.dtype, options.windows, model)
    parts = _open_parts(out, [key, model, {**dataclasses.asdict(options), "batch": embedder.batch_size}, PART, _FORM])
    count = source.count()
    missing = [not _part_note(parts, number).exists() for number in range(-(-count // PART))]
    wanted = [missing[place // PART] for place in range(count)]
    items = progress(source.items(wanted), sum(wanted), "embed")
    for number in np.flatnonzero(missing):
        sounds = _Part(items, min(PART, count - number * PART))
        vectors = list(embedder.each(sounds))
        write_table(_part_file(parts, number), table_of(schema, sounds.tracks, vectors))
        # Last: a part is there when its note is.
        write_json(
            _part_note(parts, number),
            {name: [dataclasses.asdict(row) for row in getattr(sounds, name)] for name in ("rejects", "notes")},
        )
    for _ in items:  # lets the progress say that it is done
        pass
    files = [_part_file(parts, number) for number in range(len(missing))]
    contents = [json.loads(_part_note(parts, number).read_text("utf-8")) for number in range(len(missing))]
    rejects = [Reject(**row) for content in contents for row in content["rejects"]]
    notes = [*source.notes, *(RowNote(**row) for content in contents for row in content["notes"])]
    rows = join_parts(files, out, schema)
    shutil.rmtree(parts)
    return EmbeddedTracks(rows, rejects, notes)


class _Part:
    """The next `count` items: yields their sounds; keeps their metadata, the rejects and the notes."""

    def __init__(self, items: Iterator[Sound | Unusable], count: int):
        self._items, self._count = items, count
        self.tracks: list[Mapping[str, str]] = []
        self.rejects: list[Reject] = []
        self.notes: list[RowNote] = []

    def __iter__(self) -> Iterator[Mapping[str, np.ndarray]]:
        for _ in range(self._count):
            item = next(self._items)
            self.notes.extend(item.notes)
            if isinstance(item, Unusable):
                self.rejects.append(item.reject)
            else:
                self.tracks.append(item.track)
                yield item.sound


def key_of(file: Path) -> str:
    """SHA-256 of a table, or of a dataset's `dataset.json`, which holds its shards' checksums."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _open_parts(out: Path, state: list) -> Path:
    parts = out.with_name(f"{out.name}.parts")
    file = parts / "state.json"
    if not file.exists() or json.loads(file.read_text(encoding="utf-8")) != state:
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        write_json(file, state)
    return parts


def _part_file(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}.parquet"


def _part_note(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}.json"
