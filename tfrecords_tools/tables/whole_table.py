"""CSV tables that are whole or not there: rows are written one by one, and parts are joined."""

import contextlib
import csv
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from tfrecords_tools.files import whole_file


class TableWriter:
    """One CSV table that is being written; `whole_table` makes it."""

    def __init__(self, file: IO[str], header: Sequence[str]):
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(header)

    def write(self, cells: Iterable) -> None:
        """Appends one row; None is an empty cell."""
        self._writer.writerow("" if cell is None else cell for cell in cells)


@contextlib.contextmanager
def whole_table(path: Path, header: Sequence[str]) -> Iterator[TableWriter]:
    """Gives a writer of rows; the table gets its name when the block ends without an error."""
    # A file name that is not valid UTF-8 is still a path; it is written as the bytes it is.
    with (
        whole_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield TableWriter(file, header)


def join_tables(parts: Iterable[Path], path: Path) -> None:
    """Writes CSV files that have one header as one, block by block; at least one is needed."""
    with whole_file(path) as temporary, open(temporary, "wb") as whole:
        for place, part in enumerate(parts):
            with open(part, "rb") as file:
                header = file.readline()
                if not place:
                    whole.write(header)
                shutil.copyfileobj(file, whole, 1 << 20)
