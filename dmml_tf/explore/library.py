"""The songs of a run as the page shows them: metadata, where their audio is, and a search by words."""

import csv
import dataclasses
import functools
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dmml_tf.explore.marks import Marks
from dmml_tf.heard.heard_as import HeardAs, find_heard_as
from dmml_tf.heard.said import heard_text
from dmml_tf.run import Run
from dmml_tf.search.example import clearest
from dmml_tf.search.heard import unlabelled
from dmml_tf.search.index import Index
from dmml_tf.search.of_run import load_index
from dmml_tf.search.show import labels_of
from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of
from tfrecords_tools.tables.tracks import TRACKS_FILE

# Only such files are ever sent: a table that names another file as a song's audio gives nothing away.
MEDIA_TYPES = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp4": "audio/mp4",
    ".webm": "audio/webm",
    ".weba": "audio/webm",
    ".aac": "audio/aac",
}
# Where the demo keeps its audio within a dataset's folder; it is looked at after such a folder was moved.
_CORPUS = Path("corpus", "audio")
_TRIED = 2000  # of more songs the first is shown first, since finding a clear example would take long
_EXAMPLE_RESULTS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Library:
    """A run, its index and its songs' audio.

    Attributes:
        run: the trained run.
        index: its index; a song is named by its row there.
        paths: track id -> audio file, as the dataset's table says; tracks without are left out.
        folder: of the dataset.
        heard_as: says what is heard in songs without labels; None says nothing.
    """

    run: Run
    index: Index
    paths: Mapping[str, str]
    folder: Path
    heard_as: HeardAs | None = None

    @classmethod
    def open(cls, run_folder: str | os.PathLike, data: str | None = None) -> "Library":
        """Reads a run, its index and, where it is within reach, the dataset's table.

        Args:
            run_folder: of a trained run with an index.
            data: the dataset's folder; None takes the one that the run was trained on, if it is there.

        Raises:
            UserError: if the run or its index cannot be read, or `data` holds no table.
        """
        run = Run.load(run_folder)
        index = load_index(run)
        folder = Path(data or run.dataset)
        heard_as = find_heard_as(run.folder, index.model)
        if data is None and not (run.dataset and (folder / TRACKS_FILE).exists()):
            return cls(run, index, {}, folder if run.dataset else run.folder, heard_as)
        return cls(run, index, audio_paths(folder / TRACKS_FILE), folder, heard_as)

    def sound(self, row: int) -> Path | None:
        """The audio file of a song, or None where it is out of reach or is none that a browser plays."""
        path = self.paths.get(self.index.tracks[row]["id"])
        if not path:
            return None
        return playable(Path(path)) or playable(self.folder / _CORPUS / os.path.basename(path))

    def song(self, row: int) -> dict:
        """What the page shows of a song: row, id, title, artist, labels, heard, player (whether it has audio), mark.

        `heard` is condition -> text of the likeliest label, of songs without labels alone.
        """
        track = self.index.tracks[row]
        return {
            "row": row,
            "id": track["id"],
            "title": track.get("title", ""),
            "artist": ", ".join(artists_of(track.get("artist", ""))),
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
        words = plain(text).split()
        found = (row for row, line in enumerate(self._lines) if all(word in line for word in words))
        return [row for row, _ in zip(found, range(count))]

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

    @functools.cached_property
    def _lines(self) -> list[str]:
        return [
            plain(" ".join(value for name, value in track.items() if name != "split")) for track in self.index.tracks
        ]


def audio_paths(table: str | os.PathLike[str]) -> dict[str, str]:
    """Track id -> audio file of a dataset's `tracks.csv`.

    >>> dmml.audio_paths("data/mine/tracks.csv")["t001"].endswith("t001.wav")
    True

    Raises:
        UserError: if the table cannot be read.
    """
    try:
        # Paths are bytes to the file system; one that is not UTF-8 is written and read as the bytes it is.
        with open(table, encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            return {row["track_id"]: row["path"] for row in rows if row.get("path")}
    except (OSError, KeyError, csv.Error) as error:
        raise UserError(f"{table}: cannot be read ({error}); name the folder of the records with --data") from error


def playable(path: Path) -> Path | None:
    """The file that a path leads to, if it is there and its own name is that of audio."""
    try:
        # Resolved first: a link called song.mp3 may lead anywhere.
        real = Path(os.path.realpath(path))
    except ValueError:  # a zero byte
        return None
    return real if real.suffix.lower() in MEDIA_TYPES and file_problem(real) is None else None


def plain(text: str) -> str:
    """Folded to lower case, without accents: what a search by words compares."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
