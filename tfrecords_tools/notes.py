"""What was odd in a file or a row that was taken all the same, and what was done about it."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """One oddity.

    Attributes:
        kind: a word by which notes are counted: length, streams, damage, channels, loudness, silence,
            names, labels, duplicates.
        what: what is odd, with its figures.
        done: what was done about it.
    """

    kind: str
    what: str
    done: str


@dataclasses.dataclass(frozen=True, slots=True)
class RowNote:
    """A note with the row that it is about, as a line of notes.csv: line 1 is the table's header, or all of it."""

    line: int
    track_id: str
    kind: str
    what: str
    done: str


def of_row(line: int, track_id: str, notes: Iterable[Note]) -> Iterator[RowNote]:
    """The notes of one row or of its file."""
    return (RowNote(line, track_id, note.kind, note.what, note.done) for note in notes)


def counted(kinds: Mapping[str, int]) -> str:
    """`{"length": 3, "channels": 2}` -> `"3 length, 2 channels"`, the most frequent first; `"nothing"` if empty."""
    order = sorted(kinds, key=lambda kind: (-kinds[kind], kind))
    return ", ".join(f"{kinds[kind]} {kind}" for kind in order) or "nothing"
