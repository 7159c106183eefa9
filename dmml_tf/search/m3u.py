"""Playlists as players read them: extended M3U in UTF-8 (`.m3u8`), with paths relative to the playlist's own folder."""

import dataclasses
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file
from tfrecords_tools.tables.formats import artists_of

SUFFIX = ".m3u8"
_UNKNOWN = -1  # seconds, as players expect them where nobody knows


@dataclasses.dataclass(frozen=True)
class Entry:
    """A song of a playlist.

    Attributes:
        sound: its audio file.
        track: its metadata: title, artist and, if known, seconds; empty takes the file's name.
        begin: second to play it from, which VLC does and other players pass over; None: from its beginning.
    """

    sound: Path
    track: Mapping[str, str]
    begin: float | None = None

    @property
    def lines(self) -> list[str]:
        """`#EXTINF:seconds,Artist - Title`, and where `begin` is not 0 `#EXTVLCOPT:start-time=seconds`."""
        title, artist = self.track.get("title") or self.sound.stem, ", ".join(artists_of(self.track.get("artist", "")))
        text = " - ".join(filter(None, [artist, title]))
        try:
            seconds = float(self.track.get("seconds", ""))
        except ValueError:
            seconds = math.nan
        # Titles are someone else's text: a line end in one would begin a line of the playlist.
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        line = f"#EXTINF:{round(seconds) if math.isfinite(seconds) else _UNKNOWN},{text}"
        return [line, f"#EXTVLCOPT:start-time={self.begin:.2f}"] if self.begin else [line]


def write_m3u(path: str | os.PathLike[str], entries: Iterable[Entry]) -> list[Path]:
    """Writes a playlist, whole; returns the files that it cannot name, since their paths hold a line end.

    Args:
        path: ends in `.m3u8`; its folder is made if need be.
        entries: songs in their order.

    Raises:
        UserError: if the name ends otherwise, or it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"{path}: a playlist's name ends in {SUFFIX}")
    content, left = m3u_bytes(entries, path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    return left


def m3u_bytes(entries: Iterable[Entry], folder: Path) -> tuple[bytes, list[Path]]:
    """The content of a playlist that lies in a folder, and the files that it cannot name."""
    lines, left = ["#EXTM3U"], []
    real = os.path.realpath(folder)
    for entry in entries:
        relative = _relative(entry.sound, real)
        if "\n" in relative or "\r" in relative:
            left.append(entry.sound)
        else:
            lines += [*entry.lines, relative]
    # Names of files are bytes to the file system; those that are not UTF-8 are written as the bytes they are.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"), left


def _relative(sound: Path, folder: str) -> str:
    # Folders are followed to where they really are, or `..` would lead elsewhere; the file itself may be a link.
    real = os.path.join(os.path.realpath(sound.parent), sound.name)
    try:
        relative = os.path.relpath(real, folder)
    except ValueError:  # on another drive
        relative = real
    relative = relative.replace(os.sep, "/")
    # A line that begins with it would be a comment.
    return f"./{relative}" if relative.startswith("#") else relative
