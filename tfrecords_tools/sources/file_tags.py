"""What a file's own tags say of it: title, artists, album, year."""

import dataclasses
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import mutagen

from tfrecords_tools.names import clean
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
# Names of a field: those that mutagen gives most formats, those of ID3 in a wav or aiff, those of a wma.
_TITLE, _ARTIST, _ALBUM = ("title", "TIT2", "Title"), ("artist", "TPE1", "Author"), ("album", "TALB", "WM/AlbumTitle")
# A remaster is as old as its recording.
_YEAR = ("originaldate", "TDOR", "date", "year", "TDRC", "WM/Year")
_FOUR_DIGITS = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")


@dataclasses.dataclass(frozen=True, slots=True)
class FileTags:
    """Each on one line, and empty where the file does not say it.

    Attributes:
        title: the first title.
        artist: all artists, separated by "|".
        album: the first album.
        year: four digits.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    year: str = ""


def read_tags(path: str) -> FileTags:
    """Reads the tags of an audio file of any format; of one whose tags cannot be read all are empty."""
    try:
        tags = mutagen.File(path, easy=True) or {}
        artists = TAG_SEPARATOR.join(filter(None, dict.fromkeys(_texts(tags, _ARTIST))))
        years = _FOUR_DIGITS.findall(" ".join(_texts(tags, _YEAR)))
        return FileTags(_first(_texts(tags, _TITLE)), artists, _first(_texts(tags, _ALBUM)), _first(years))
    except _UNREADABLE:
        return FileTags()


def _texts(tags: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """What a field's names hold, one name after the other."""
    return [clean(str(text)) for name in names if name in tags for text in _each(tags[name])]


def _each(value: Any) -> Iterable[Any]:
    # A frame of ID3 keeps its texts in an attribute.
    value = getattr(value, "text", value)
    return value if isinstance(value, list) else [value]


def _first(texts: list[str]) -> str:
    return texts[0] if texts else ""
