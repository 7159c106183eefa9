"""The audio files below the roots of a library, as they are now."""

import os
from collections.abc import Iterator, Sequence

from dmml_tf.library.reading import Seen
from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import is_unprintable
from tfrecords_tools.sources.folder import files_below


def joined_roots(known: Sequence[str], given: Sequence[str]) -> list[str]:
    """The roots of a library and those that a scan names besides, absolute.

    Raises:
        UserError: if one is no folder, lies in another, or has a name that no id can have.
    """
    roots = list(known)
    for root in (os.path.abspath(os.path.expanduser(root)) for root in given):
        if root in roots:
            continue
        if not os.path.isdir(root):
            raise UserError(f"{root}: is no folder; name the folder of your music")
        if is_unprintable(root):
            raise UserError(f"{root!r}: holds a control character or is not UTF-8; rename the folder")
        other = next((other for other in roots if _within(root, other) or _within(other, root)), None)
        if other:
            raise UserError(f"{root}: one of this folder and {other} holds the other, whose songs would be there twice")
        roots.append(root)
    if not roots:
        raise UserError("no folder of music; name one: dmml scan MUSIC --library LIBRARY")
    return roots


def prefixes(roots: Sequence[str]) -> dict[str, str]:
    """What an id begins with, by root: nothing where there is one root, else the name of its folder."""
    if len(roots) == 1:
        return {roots[0]: ""}
    out: dict[str, str] = {}
    for root in roots:
        name, number = os.path.basename(root) or "root", 1
        while f"{name if number == 1 else f'{name} ({number})'}/" in out.values():
            number += 1
        out[root] = f"{name if number == 1 else f'{name} ({number})'}/"
    return out


def audio_files(root: str, misnamed: list[tuple[str, str]]) -> Iterator[Seen]:
    """Yields the audio files of a root that have a size; adds root and printable path of those no id can name."""
    for place in files_below(root):
        if not place.rstrip().lower().endswith(AUDIO_SUFFIXES):
            continue
        path = os.path.relpath(place, root) if root == "/" else place[len(root) + 1 :]
        if is_unprintable(place):
            misnamed.append((root, path.encode("utf-8", "backslashreplace").decode()))
            continue
        try:
            status = os.stat(place)
        except OSError:  # a broken link, or gone since it was listed: there is nothing to hear
            continue
        yield Seen(root, path, status.st_size, status.st_mtime_ns)


def _within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
