"""What was found wrong or odd in a manifest and its files, beside what is made of them: rejected.csv and notes.csv."""

import csv
import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import RowNote, counted
from tfrecords_tools.tables.rows import Reject
from tfrecords_tools.tables.whole_table import whole_table

REJECTED_FILE, NOTES_FILE = "rejected.csv", "notes.csv"
_REJECTED_HEADER = ("line", "track_id", "field", "reason")
_SHOWN = 10  # notes on a terminal
_NOTES_HEADER = ("line", "track_id", "kind", "what", "done")


def write_rejects(path: Path, rejects: Iterable[Reject], tables: bool = False) -> None:
    """Writes rejected.csv, whole or not at all; with `tables` it says which table each line is of."""
    with whole_table(path, (*_REJECTED_HEADER, "table") if tables else _REJECTED_HEADER) as table:
        for reject in rejects:
            cells = (reject.line, reject.track_id, reject.field, reject.reason)
            table.write((*cells, reject.table or "manifest") if tables else cells)


def write_notes(path: Path, notes: Iterable[RowNote]) -> None:
    """Writes notes.csv, whole or not at all."""
    with whole_table(path, _NOTES_HEADER) as table:
        for note in notes:
            table.write(dataclasses.astuple(note))


def table_notes(kinds: Mapping[str, int], notes: Iterable[RowNote]) -> list[str]:
    """What is odd in a table, as lines: the number of each kind, and the first notes."""
    shown = [f"line {note.line}, {note.kind}: {note.what}; {note.done}" for note in itertools.islice(notes, _SHOWN)]
    return [f"noted in the table: {counted(kinds)}", *shown] if kinds else []


def count_notes(path: Path) -> Counter[str]:
    """Kind of note -> how many a notes.csv holds; none where there is no such file, as in datasets of before.

    Raises:
        UserError: if the file cannot be read.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return Counter(row["kind"] for row in csv.DictReader(file, strict=True))
    except FileNotFoundError:
        return Counter()
    except (OSError, KeyError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error}); build the dataset again") from error
