"""A folder tree of audio without labels -> manifest: ids from the paths, titles and artists from the files' tags."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import clean, is_unprintable, normal
from tfrecords_tools.notes import Note
from tfrecords_tools.program import progress
from tfrecords_tools.sources.file_tags import read_tags
from tfrecords_tools.sources.manifest_out import Dropped, Track


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
    count = sum(1 for _ in files_below(root))  # cheap beside opening each, and lets the progress say the time left
    twins: Counter[str] = Counter()
    for path in progress(files_below(root), count, "files"):
        track_id = os.path.relpath(path, root)
        if not path.rstrip().lower().endswith(AUDIO_SUFFIXES):
            yield Dropped(track_id, path, "no audio by its suffix", f"known are {' '.join(AUDIO_SUFFIXES)}")
        elif is_unprintable(path):
            yield Dropped(track_id, path, "bad file name", "holds a control character or is not UTF-8; rename it")
        elif problem := file_problem(path):
            yield Dropped(track_id, path, "unreadable", problem)
        else:
            tags = read_tags(path)
            track_id, notes = _distinct_id(track_id, path, root, twins)
            yield Track(track_id, path, tags.artist, tags.title or clean(Path(path).stem), notes=notes)


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


def files_below(root: str) -> Iterator[str]:
    """Yields the paths of the files below a folder, by folder and name; a folder that links lead to twice, once."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        try:
            status = os.stat(folder)
        except OSError:  # gone since it was listed
            folders.clear()
            continue
        # A link to a folder above would lead round for ever.
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(names))
