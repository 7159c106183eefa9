"""A folder tree of audio without labels -> manifest: ids from the paths, titles and artists from the files' tags."""

import os
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mutagen

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal
from tfrecords_tools.notes import Note
from tfrecords_tools.program import progress
from tfrecords_tools.sources.manifest_out import Dropped, Track, clean, is_unprintable
from tfrecords_tools.tables.formats import TAG_SEPARATOR

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
    MemoryError,
    struct.error,
    RecursionError,
)


def read_folder(audio: str | os.PathLike) -> Iterator[Track | Dropped]:
    """Yields the audio files below `audio`, sorted by path within each folder; symbolic links are followed once.

    The track id is the path below `audio`, spelled as ids are (`names.normal`); of files whose names then are the same,
    each but the first has a number after it. Without a title in the file's tags, the file's name is the title; several
    artists are separated by "|".

    Raises:
        UserError: if `audio` is no folder.
    """
    if not os.path.isdir(audio):
        raise UserError(f"--audio {audio}: is no folder")
    root = os.path.abspath(audio)
    count = sum(1 for _ in _files(root))  # cheap beside opening each, and lets the progress say the time left
    twins: Counter[str] = Counter()
    for path in progress(_files(root), count, "files"):
        track_id = os.path.relpath(path, root)
        if not path.rstrip().lower().endswith(AUDIO_SUFFIXES):
            yield Dropped(track_id, path, "no audio by its suffix", f"known are {' '.join(AUDIO_SUFFIXES)}")
        elif is_unprintable(path):
            yield Dropped(track_id, path, "bad file name", "holds a control character or is not UTF-8; rename it")
        elif problem := file_problem(path):
            yield Dropped(track_id, path, "unreadable", problem)
        else:
            title, artist = _title_and_artists(path)
            track_id, notes = _distinct_id(track_id, path, root, twins)
            yield Track(track_id, path, artist, title or clean(Path(path).stem), notes=notes)


def _distinct_id(relative: str, path: str, root: str, twins: Counter[str]) -> tuple[str, tuple[Note, ...]]:
    """An id that no other file below `root` has; `twins` counts the files that are not named as their id."""
    track_id = normal(relative)
    if track_id == relative:
        return track_id, ()
    namesake = os.path.join(root, track_id)
    # Where the disk itself takes both spellings for one, the namesake is the file itself.
    before = twins[track_id] + (os.path.exists(namesake) and not os.path.samefile(namesake, path))
    twins[track_id] += 1
    if not before:
        return track_id, ()
    # No file that is listed has this name: it does not end as audio does.
    distinct = f"{track_id} ({before + 1})"
    what = f"{before + 1} files are named '{track_id}' but for blanks at the ends or how accents are encoded"
    return distinct, (Note("names", what, f"the id of this one is '{distinct}'"),)


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


def _title_and_artists(path: str) -> tuple[str, str]:
    """The first title and all artists, separated as tags are; ("", "") where the file has no tags that can be read."""
    try:
        tags = mutagen.File(path, easy=True) or {}
        titles, artists = ([clean(str(name)) for name in tags.get(key) or [""]] for key in ("title", "artist"))
        return titles[0], TAG_SEPARATOR.join(filter(None, dict.fromkeys(artists)))
    except _UNREADABLE:
        return "", ""
