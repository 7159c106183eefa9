"""A folder tree of audio without labels -> manifest: ids from the paths, titles and artists from the files' tags."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import mutagen

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress
from tfrecords_tools.sources.manifest_out import Dropped, Track, clean, is_unprintable

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".wma")
# What mutagen's parsers let through on damaged files, beside their own error.
_UNREADABLE = (
    mutagen.MutagenError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    struct.error,
    RecursionError,
)


def read_folder(audio: str | os.PathLike) -> Iterator[Track | Dropped]:
    """Yields the audio files below `audio`, sorted by path within each folder; symbolic links are followed once.

    The track id is the path below `audio`; without a title in the file's tags, the file's name is the title.

    Raises:
        UserError: if `audio` is no folder.
    """
    if not os.path.isdir(audio):
        raise UserError(f"--audio {audio}: is no folder")
    root = os.path.abspath(audio)
    count = sum(1 for _ in _files(root))  # cheap beside opening each, and lets the progress say the time left
    for path in progress(_files(root), count, "files"):
        track_id = os.path.relpath(path, root)
        if not path.lower().endswith(AUDIO_SUFFIXES):
            yield Dropped(track_id, path, "no audio by its suffix", f"known are {' '.join(AUDIO_SUFFIXES)}")
        elif is_unprintable(path):
            yield Dropped(track_id, path, "bad file name", "holds a control character or is not UTF-8; rename it")
        elif problem := file_problem(path):
            yield Dropped(track_id, path, "unreadable", problem)
        else:
            title, artist = _title_and_artist(path)
            yield Track(track_id, path, artist, title or clean(Path(path).stem))


def _files(root: str) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        status = os.stat(folder)
        # A link to a folder above would lead round for ever.
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(names))


def _title_and_artist(path: str) -> tuple[str, str]:
    """("", "") where the file has no tags, or none that can be read."""
    try:
        tags = mutagen.File(path, easy=True)
        title, artist = (clean(str((tags.get(key) or [""])[0])) if tags else "" for key in ("title", "artist"))
        return title, artist
    except _UNREADABLE:
        return "", ""
