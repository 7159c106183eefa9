"""The songs that the page shows, of a run or of a library: metadata, where their audio is, a search by words."""

import dataclasses
import functools
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.explore.audio_files import DatasetAudio, LibraryAudio, playable
from dmml_tf.explore.columns import ValueColumn, filter_columns
from dmml_tf.explore.heard_columns import HEARD, heard_columns
from dmml_tf.explore.marks import Marks
from dmml_tf.explore.words import Words
from dmml_tf.heard.heard_as import HeardAs, find_heard_as
from dmml_tf.heard.said import heard_text
from dmml_tf.library.library import Library
from dmml_tf.run import Run
from dmml_tf.search.example import clearest
from dmml_tf.search.heard import unlabelled
from dmml_tf.search.index import Index
from dmml_tf.search.m3u import Entry, m3u_bytes
from dmml_tf.search.of_run import load_index
from dmml_tf.search.show import labels_of
from dmml_tf.search.track_table import TrackTable
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of

_TRIED = 2000  # of more songs the first is shown first, since finding a clear example would take long
_EXAMPLE_RESULTS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Songs:
    """An index, the run that made it, and its songs' audio.

    Attributes:
        run: the trained run.
        index: a song is named by its row here.
        audio: knows the file of each.
        folder: of the run or the library; maps are kept there.
        heard_as: says what is heard in songs without labels; None says nothing.
    """

    run: Run
    index: Index
    audio: DatasetAudio | LibraryAudio
    folder: Path
    heard_as: HeardAs | None = None

    @classmethod
    def of_run(cls, run_folder: str | os.PathLike, data: str | None = None) -> "Songs":
        """Reads a run, its index and, where it is within reach, the dataset's table.

        Args:
            run_folder: of a trained run with an index.
            data: the dataset's folder; None takes the one that the run was trained on, if it is there.

        Raises:
            UserError: if the run or its index cannot be read, or `data` holds no table.
        """
        run = Run.load(run_folder)
        index = load_index(run).of_whole_songs()
        audio = DatasetAudio.open(Path(data or run.dataset or run.folder), needed=data is not None)
        return cls(run, index, audio, run.folder, find_heard_as(run.folder, index.model))

    @classmethod
    def of_library(cls, folder: str | os.PathLike) -> "Songs":
        """Reads a library.

        Raises:
            UserError: as `Library.open`, or if its index or model cannot be read.
        """
        library = Library.open(folder)
        return cls(library.run, library.index, LibraryAudio(library), library.folder, library.heard_as)

    @property
    def name(self) -> str:
        """Of the run or the library."""
        return self.folder.name

    @property
    def only_heard(self) -> bool:
        """Whether the index has no column of labels, and the model can say what it hears."""
        return self.heard_as is not None and not labels_of(self.index.tracks[0])

    def sound(self, row: int) -> Path | None:
        """The audio file of a song, or None where it is out of reach or is none that a browser plays."""
        file = self.audio.file(self.index.tracks[row]["id"])
        return None if file is None else playable(file)

    def m3u8(self, rows: Sequence[int]) -> bytes:
        """Songs as a playlist file in the folder of the music; those that no file is known of are left out.

        Raises:
            UserError: if none is left.
        """
        files = [(self.audio.file(track["id"]), track) for track in (self.index.tracks[row] for row in rows)]
        known = [Entry(file, track) for file, track in files if file is not None]
        if not known:
            raise UserError("no file is known of any of these songs")
        base = self.audio.base
        # A dataset that was moved, or a song that lies elsewhere than the others.
        if base == Path(base.anchor) or not all(entry.sound.is_relative_to(base) for entry in known):
            base = Path(os.path.commonpath([entry.sound.parent for entry in known]))
        return m3u_bytes(known, base)[0]

    def song(self, row: int) -> dict:
        """What the page shows of a song, as `schemas.Song` has it."""
        track = self.index.tracks[row]
        return {
            "row": row,
            "id": track["id"],
            "title": track.get("title", ""),
            "artist": ", ".join(artists_of(track.get("artist", ""))),
            "album": track.get("album", ""),
            "year": track.get("year", ""),
            "seconds": _number(track.get("seconds", "")),
            "labels": labels_of(track),
            "heard": self.heard(self.index.vectors[row]) if unlabelled(track) else {},
            "player": self.sound(row) is not None,
            "mark": self.marks.mark(self.index.vectors[row]),
        }

    def heard(self, vector: np.ndarray) -> dict[str, str]:
        """Condition -> text of the likeliest label that is heard in a song, by its search vector [D]."""
        if self.heard_as is None:
            return {}
        said = self.heard_as.heard(vector[None], most=1)[0]
        return {name: heard_text({name: several}) for name, several in said.items() if several}

    def find(self, text: str, count: int) -> list[int]:
        """The first `count` rows in which every word of `text` occurs, in any case, with or without accents."""
        return [row for row, _ in zip(self._words.rows(text), range(count))]

    @functools.cached_property
    def example(self) -> int:
        """Row of a song that shows the searches clearly (`dmml_tf.search.example`); of many songs, the first."""
        if len(self.index.tracks) > _TRIED:
            return 0
        owning = [condition for condition in self.index.conditions if condition.name in self.index.slices]
        return self.index.positions[clearest(self.index, owning, _EXAMPLE_RESULTS)["id"]]

    @functools.cached_property
    def marks(self) -> Marks:
        """Draws the songs' marks."""
        return Marks.of(self.index)

    def searched(self, columns: Iterable[str]) -> Index:
        """The index that has some columns: with what is heard in its songs, if one of them is of that."""
        return self._with_heard if any(column.startswith(HEARD) for column in columns) else self.index

    @functools.cached_property
    def columns(self) -> dict[str, ValueColumn]:
        """What songs can be filtered by; columns that are empty are left out."""
        cells = self._with_heard.table.columns
        columns = [ValueColumn.of(name, cells[name].to_pylist()) for name in filter_columns(cells)]
        return {column.name: column for column in columns if column.counts}

    @functools.cached_property
    def _with_heard(self) -> Index:
        if self.heard_as is None or not self.only_heard:
            return self.index
        heard = heard_columns(self.heard_as, self.index.vectors)
        return dataclasses.replace(self.index, tracks=TrackTable({**self.index.table.columns, **heard}))

    @functools.cached_property
    def _words(self) -> Words:
        return Words(self.index.tracks)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
