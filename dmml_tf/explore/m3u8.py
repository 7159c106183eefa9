"""Songs as a playlist file: M3U in UTF-8, with the songs' names and lengths, and paths relative to a folder."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfrecords_tools.tables.formats import artists_of


def m3u8(songs: Iterable[tuple[Mapping[str, str], Path]], folder: Path) -> str:
    """The text of a playlist that lies in `folder`.

    Args:
        songs: rows of metadata, and each song's audio file.
        folder: what the paths are relative to.
    """
    lines = ["#EXTM3U"]
    for track, file in songs:
        path = os.path.relpath(file, folder).replace(os.sep, "/")
        if "\n" in path or "\r" in path:  # which the format has no way to write
            continue
        artist = ", ".join(artists_of(track.get("artist", "")))
        name = " - ".join(filter(None, [artist, track.get("title", "") or track["id"]]))
        # A line that begins with "#" would be read as a remark.
        lines += [f"#EXTINF:{_seconds(track)},{' '.join(name.split())}", f"./{path}" if path.startswith("#") else path]
    return "\n".join([*lines, ""])


def _seconds(track: Mapping[str, str]) -> int:
    try:
        return round(float(track.get("seconds", "")))
    except (ValueError, OverflowError):
        return -1  # not known
