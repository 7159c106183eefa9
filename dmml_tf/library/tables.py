"""What cannot be used and what was odd in a library's files, as tables for people: rejected.csv and notes.csv."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from dmml_tf.library.catalogue import Catalogue
from tfrecords_tools.notes import Note
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE
from tfrecords_tools.tables.whole_table import whole_table

_REJECTED_HEADER, _NOTES_HEADER = ("path", "reason"), ("path", "kind", "what", "done")


def write_tables(folder: Path, catalogue: Catalogue, prefixes: Mapping[str, str]) -> tuple[int, Counter[str]]:
    """Writes both, each where there is something to say; returns how many files cannot be used, and notes by kind.

    Args:
        folder: of the library.
        catalogue: its files.
        prefixes: what goes before a path below a root, as people see it.
    """
    rejects = ((prefixes[root] + path, why) for root, path, why in catalogue.rejects())
    rejected = _write(folder / REJECTED_FILE, _REJECTED_HEADER, rejects)
    kinds: Counter[str] = Counter()

    def notes() -> Iterable[tuple[str, ...]]:
        for root, path, note in itertools.chain(catalogue.notes(), _namesakes(catalogue, prefixes)):
            kinds[note.kind] += 1
            yield prefixes[root] + path, note.kind, note.what, note.done

    _write(folder / NOTES_FILE, _NOTES_HEADER, notes())
    return rejected, kinds


def _namesakes(catalogue: Catalogue, prefixes: Mapping[str, str]) -> Iterable[tuple[str, str, Note]]:
    what = "another file has its name but for blanks at the ends or how accents are encoded"
    for root, path, track_id in catalogue.renamed(prefixes):
        yield root, path, Note("names", what, f"the id of this one is '{track_id}'")


def _write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> int:
    count = 0
    with whole_table(path, header) as table:
        for row in rows:
            table.write(row)
            count += 1
    if not count:
        path.unlink()
    return count
