"""A folder of embeddings in parts, each a Parquet file of some items with a note of what could not be used.

000000.parquet   the tracks among the first 256 items, as `dmml_tf.embed.parquet` has them
000000.json      their rejects and notes; written last: a part is there when its note is
state.json       what is being embedded; parts of other input, model or options are none
whole.json       the number of parts and tracks, once all are there
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import WHOLE_FILE, part_name, table_of, write_table
from dmml_tf.embed.sounds import Sound, Unusable
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json
from tfrecords_tools.notes import RowNote
from tfrecords_tools.tables.rows import Reject

_STATE_FILE = "state.json"


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of `count` items; any process that sees the folder may write some.

    Attributes:
        folder: of the files.
        schema: of a Parquet file.
        count: items.
        size: items of a part.
    """

    folder: Path
    schema: pa.Schema
    count: int
    size: int

    def begin(self, state: list, ours: bool) -> None:
        """Makes the folder ready for what `state` says; parts of the same state are kept.

        Args:
            state: what is embedded, for JSON.
            ours: the folder is nobody's but ours: parts of another state are removed.

        Raises:
            UserError: if it is not ours, and holds parts of another state or other files.
        """
        file = self.folder / _STATE_FILE
        if file.exists() and json.loads(file.read_text(encoding="utf-8")) == state:
            return
        if ours:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise UserError(
                f"{self.folder}: holds other files, or embeddings of other input, model or options; "
                "remove it, or give another --out"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(file, state)

    def missing(self) -> list[int]:
        """Numbers of the parts that are not there."""
        return [number for number in range(-(-self.count // self.size)) if not self.note(number).exists()]

    def items(self, number: int) -> int:
        """How many items a part has."""
        return min(self.size, self.count - number * self.size)

    def wanted(self, numbers: Sequence[int]) -> list[bool]:
        """Of each item, whether it is in one of these parts."""
        chosen = set(numbers)
        return [place // self.size in chosen for place in range(self.count)]

    def file(self, number: int) -> Path:
        """Parquet file of a part."""
        return self.folder / part_name(number)

    def note(self, number: int) -> Path:
        """File of a part's rejects and notes."""
        return self.file(number).with_suffix(".json")

    def write(self, number: int, items: Iterator[Sound | Unusable], embedder: Embedder) -> None:
        """Embeds the next items, those of one part, and writes it."""
        part = _Part(items, self.items(number))
        vectors = list(embedder.each(part))
        write_table(self.file(number), table_of(self.schema, part.tracks, vectors))
        write_json(
            self.note(number),
            {name: [dataclasses.asdict(row) for row in getattr(part, name)] for name in ("rejects", "notes")},
        )

    def findings(self) -> tuple[list[Reject], list[RowNote]]:
        """The rejects and notes of all parts."""
        numbers = range(-(-self.count // self.size))
        contents = [json.loads(self.note(number).read_text(encoding="utf-8")) for number in numbers]
        rejects = [Reject(**row) for content in contents for row in content["rejects"]]
        return rejects, [RowNote(**row) for content in contents for row in content["notes"]]

    def files(self) -> Sequence[Path]:
        """Parquet files of all parts, in order."""
        return [self.file(number) for number in range(-(-self.count // self.size))]

    def finish(self, tracks: int) -> None:
        """Says that the folder is whole."""
        write_json(self.folder / WHOLE_FILE, {"parts": len(self.files()), "tracks": tracks})


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
