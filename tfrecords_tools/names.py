"""How ids and labels are spelled: one form for a table and for whoever asks; and the spellings that a path may have."""

import re
import unicodedata
from collections.abc import Container
from typing import Final

# Forms in which systems write one name: Linux and Windows keep what was typed, macOS's older disks decompose it.
_FORMS: Final = ("NFC", "NFD")
# What would tear apart the tables that names stand in; and halves of characters, which no file can hold.
UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def normal(name: str) -> str:
    """A name as tables, records and indexes hold it: composed (Unicode's NFC), without blanks at its ends.

    Two names that look alike are alike then. Case is kept: `Song.mp3` and `song.mp3` are two files.
    """
    return name.strip() if name.isascii() else unicodedata.normalize("NFC", name).strip()


def spellings(path: str) -> list[str]:
    """A path as it is written, then without blanks at its ends, then with its accents in the other form."""
    stripped = path.strip()
    forms = [unicodedata.normalize(form, spelling) for spelling in (path, stripped) for form in _FORMS]
    return list(dict.fromkeys([path, stripped, *forms]))


def as_known(name: str, known: Container[str]) -> str:
    """The name itself where it is known, else as tables spell it."""
    return name if name in known else normal(name)


def clean(text: str) -> str:
    """A title or name for people on one line: runs of control characters and spaces become one space."""
    return " ".join(UNPRINTABLE.sub(" ", text).split())


def is_unprintable(text: str) -> bool:
    """Whether an id or path holds a control character or bytes that are not UTF-8."""
    return bool(UNPRINTABLE.search(text))
