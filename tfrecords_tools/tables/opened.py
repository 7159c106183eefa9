"""A table that was opened, wherever it lies."""

import contextlib
import itertools
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import is_address, parent
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.tables.formats import Line, table_lines


class OpenedTable:
    """The file of a table: the one that was given, or a copy, as long as this object lives, of what is at an address.

    Attributes:
        path: the file.
        source: the path or address that was given.
        folder: the folder, or address, that it lies in.

    Raises:
        UserError: if there is nothing at the address.
    """

    def __init__(self, source: str | os.PathLike):
        self.path = Path(source)
        self.source, self.folder = str(self.path), str(self.path.parent)
        if is_address(source):
            copy = contextlib.ExitStack()
            self.path = Path(copy.enter_context(local_copy(source)))
            self.source, self.folder = source, parent(source)
            weakref.finalize(self, copy.close)

    def header(self, wanted: str) -> list[str]:
        """The cells of its first line.

        Args:
            wanted: what a table that is empty is to have, for the message.

        Raises:
            UserError: if there is none, or it cannot be read.
        """
        for line, cells in self._lines():
            if isinstance(cells, str):
                raise UserError(f"{self.source}: line {line} {cells}; write a table with a header line")
            return cells
        raise UserError(f"{self.source}: is empty; write {wanted}")

    def rows(self) -> Iterator[Line]:
        """What `table_lines` yields after the header, without rows of empty cells.

        Raises:
            UserError: if the text is not UTF-8 or cannot be read to its end.
        """
        for line, cells in itertools.islice(self._lines(), 1, None):
            # Spreadsheets export such rows below the last one.
            if isinstance(cells, str) or any(map(str.strip, cells)):
                yield line, cells

    def _lines(self) -> Iterator[Line]:
        """What is wrong is said of what was given."""
        try:
            yield from table_lines(self.path)
        except UserError as error:
            raise UserError(str(error).replace(str(self.path), self.source, 1)) from error
