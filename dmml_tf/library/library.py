"""A library as it is searched: its model, its index, and where its songs are."""

import dataclasses
import functools
import os
from pathlib import Path

from dmml_tf.heard.heard_as import HeardAs, find_heard_as
from dmml_tf.library.catalogue import CATALOGUE_FILE, find_place
from dmml_tf.library.settings import Settings
from dmml_tf.run import Run
from dmml_tf.search.index import INDEX_FOLDER, Index
from tfrecords_tools.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Library:
    """A library on disk; what it holds is read when it is asked for.

    Attributes:
        folder: the library's.
        settings: its roots and its model.
    """

    folder: Path
    settings: Settings

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Library":
        """Opens a library that was scanned.

        Raises:
            UserError: if there is none, it is of another version, or its first scan is not finished.
        """
        folder = Path(folder).expanduser()
        library = cls(folder, Settings.read(folder))
        if not (library.model_folder / INDEX_FOLDER).exists():
            raise UserError(f"{folder}: the library has no song to search yet; scan it: dmml scan --library {folder}")
        return library

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders of music."""
        return tuple(map(Path, self.settings.roots))

    @property
    def model_folder(self) -> Path:
        """The run folder, within the library, of its model and its index: what `--run` would name."""
        return self.settings.model_folder(self.settings.model)

    @functools.cached_property
    def run(self) -> Run:
        """The library's model; `UserError` if its files are damaged."""
        return Run.load(self.model_folder)

    @functools.cached_property
    def index(self) -> Index:
        """The songs, with the columns id, title, artist, split (empty), album, year, seconds.

        Raises:
            UserError: if it is damaged.
        """
        folder = self.model_folder / INDEX_FOLDER
        return Index.load(folder, f"remove {folder} and make it anew with: dmml scan --library {self.folder}")

    @functools.cached_property
    def heard_as(self) -> HeardAs | None:
        """Says what is heard in songs without labels; None if the model has nothing that says it."""
        return find_heard_as(self.model_folder, self.index.model)

    def sound(self, track_id: str) -> Path:
        """The audio file of a song, which may be gone since the last scan.

        Raises:
            UserError: if the library has no such song.
        """
        place = find_place(self.folder / CATALOGUE_FILE, track_id)
        if place is None:
            self.index.position(track_id)  # says which ids are like it
            raise UserError(
                f"{track_id}: is no song of the library any more; scan it: dmml scan --library {self.folder}"
            )
        return Path(place)

    def __repr__(self) -> str:
        return f"Library {self.folder} of {', '.join(self.settings.roots)}"
