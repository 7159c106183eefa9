"""Where the audio of a run's or a library's songs is, and which files a browser is ever sent."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path

from dmml_tf.library.library import Library
from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.audio_paths import TRACKS_FILE, audio_paths

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


@dataclasses.dataclass(frozen=True, eq=False)
class DatasetAudio:
    """The audio of the dataset that a run was trained on.

    Attributes:
        paths: track id -> audio file, as the dataset's table says; tracks without are left out.
        folder: of the dataset.
    """

    paths: Mapping[str, str]
    folder: Path

    @classmethod
    def open(cls, folder: Path, needed: bool) -> "DatasetAudio":
        """Reads a dataset's table, if it is there.

        Raises:
            UserError: if it cannot be read, or is `needed` and not there.
        """
        table = folder / TRACKS_FILE
        return cls(audio_paths(table) if needed or table.exists() else {}, folder)

    @functools.cached_property
    def base(self) -> Path:
        """Folder that holds all audio: what the paths of a playlist are relative to."""
        try:
            return Path(os.path.commonpath({os.path.dirname(path) for path in self.paths.values()}))
        except ValueError:  # none at all, or some on another drive
            return self.folder

    def file(self, track_id: str) -> Path | None:
        """The audio file of a track; None where there is none."""
        path = self.paths.get(track_id)
        if not path:
            return None
        moved = self.folder / _CORPUS / os.path.basename(path)
        return moved if playable(Path(path)) is None and playable(moved) else Path(path)


@dataclasses.dataclass(frozen=True, eq=False)
class LibraryAudio:
    """The audio of a library.

    Attributes:
        library: knows the file of each song.
    """

    library: Library

    @property
    def folder(self) -> Path:
        """The first of its folders of music."""
        return self.library.roots[0]

    @functools.cached_property
    def base(self) -> Path:
        """The folder of music, or what several have in common."""
        return Path(os.path.commonpath(self.library.roots))

    def file(self, track_id: str) -> Path | None:
        """The audio file of a song; None where a scan beside the page has found it gone."""
        try:
            return self.library.sound(track_id)
        except UserError:
            return None


def playable(path: Path) -> Path | None:
    """The file that a path leads to, if it is there and its own name is that of audio."""
    try:
        # Resolved first: a link called song.mp3 may lead anywhere.
        real = Path(os.path.realpath(path))
    except ValueError:  # a zero byte
        return None
    return real if real.suffix.lower() in MEDIA_TYPES and file_problem(real) is None else None
