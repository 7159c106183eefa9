"""The user's table of audio files and labels: read row by row, each row accepted or rejected with a reason."""

import errno
import itertools
import os
from collections.abc import Iterator, Sequence

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import UNPRINTABLE, spellings
from tfrecords_tools.notes import Note
from tfrecords_tools.stores.address import absolute, is_address, require_no_secret, resolved
from tfrecords_tools.stores.listing import Listing
from tfrecords_tools.stores.store import require_bucket
from tfrecords_tools.tables.columns import BEATS, Columns, WrongCell, tags_of, unbelievable, value_of
from tfrecords_tools.tables.opened import OpenedTable
from tfrecords_tools.tables.rows import Reject, Row

NEEDED = ("track_id", "path", "artist")
OPTIONAL = ("title", "split")


class Manifest:
    """An opened manifest: its header is checked, its rows are read anew at each iteration.

    Attributes:
        path: the table's file; of a table at an address, a copy that is removed with this object.
        source: the path or address that was given.
        audio_root: absolute folder, or address, that relative paths are resolved against.
        tags, values: names of the tag and the value dimensions, in the header's order.
        types: dimension -> `columns.TAG` or `columns.VALUE`.
        rejects: columns that were left out (line 1).
        notes: what was odd in the header.
        audio_is_checked: whether each row's file is looked at.
    """

    def __init__(
        self,
        table: OpenedTable,
        header: Sequence[str],
        audio_root: str | os.PathLike | None = None,
        check_audio: bool = True,
    ):
        self.path, self.source, self._table = table.path, table.source, table
        # Joined once: a million rows cannot wait for pathlib.
        self.audio_root = absolute(table.folder if audio_root is None else audio_root)
        self._root_is_far, self._listing = is_address(self.audio_root), Listing()
        self.audio_is_checked = check_audio
        self._inside_only = audio_root is not None
        self._columns = Columns(self.source, header, (*NEEDED, *OPTIONAL))
        self._columns.require(NEEDED, header, " (cells of artist may be empty)")
        self._path_place = self._columns.places["path"]
        self.rejects, self.notes = self._columns.rejects, self._columns.notes
        self.tags, self.values, self.types = self._columns.tags, self._columns.values, self._columns.types
        self._beats = [name for name in self.values if name in BEATS]

    def __iter__(self) -> Iterator[Row | Reject]:
        """Yields each row of the table, in order, as a `Row` or a `Reject`; ids are not compared.

        Raises:
            UserError: if the text is not UTF-8 or cannot be read to its end.
        """
        return itertools.starmap(self._row, self._table.rows())

    def _row(self, line: int, cells: Sequence[str] | str) -> Row | Reject:
        text = self._columns.text(line, cells)
        if isinstance(text, Reject):
            return text
        try:
            if not text["track_id"]:
                raise WrongCell("track_id", "is empty; give every track an id of its own")
            split = text.get("split", "")
            if split and split not in SPLITS:
                raise WrongCell("split", f"unknown split '{split}'; known are: {', '.join(SPLITS)}")
            # As it is: the name of a file may begin or end with a blank.
            path, notes = self._audio_path(cells[self._path_place])
            tags = {name: tags_of(text[name]) for name in self.tags}
            values = {name: value_of(name, text[name]) for name in self.values}
            if self._beats:
                notes = (*notes, *unbelievable(self._beats, values))
        except WrongCell as wrong:
            return Reject(line, text["track_id"], wrong.field, wrong.reason)
        return Row(text["track_id"], path, text["artist"], text.get("title", ""), split, tags, values, line, notes)

    def _audio_path(self, cell: str) -> tuple[str, tuple[Note, ...]]:
        if not cell.strip():
            raise WrongCell("path", "is empty")
        if UNPRINTABLE.search(cell):  # at its ends, a line break
            cell = cell.strip()
        path = self._resolved(cell)
        problem = self._problem(path) if self.audio_is_checked or cell != cell.strip() else None
        if not problem:
            return path, ()
        for spelling in spellings(cell)[1:]:
            if not self._problem(other := self._resolved(spelling)):
                what = "no file has this path to the letter"
                return other, (Note("names", what, f"taken is one that differs in {_difference(cell, spelling)}"),)
        if self.audio_is_checked:
            raise WrongCell("path", f"'{cell}': {problem}")
        return path, ()

    def stamp(self, path: str) -> str:
        """What tells an audio file from an earlier one at the same place: its size and time, or its tag in a store.

        Raises:
            OSError: if it is not there.
            UserError: if its store cannot be asked.
        """
        if is_address(path):
            entry = self._listing.entry(path)
            if entry is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return f"{path}:{entry.size}:{entry.tag}\n"
        status = os.stat(path)
        return f"{path}:{status.st_size}:{status.st_mtime_ns}\n"

    def _problem(self, path: str) -> str | None:
        return self._listing.problem(path) if is_address(path) else file_problem(path)

    def _resolved(self, cell: str) -> str:
        # A million rows come by here.
        absolute = os.path.isabs(cell)
        if not absolute and (self._root_is_far or is_address(cell)):
            path, absolute = self._address(cell), is_address(cell)
        else:
            path = os.path.normpath(os.path.join(self.audio_root, cell))
        if (self._inside_only or not absolute) and not path.startswith(self.audio_root.rstrip("/") + "/"):
            if path == self.audio_root:
                raise WrongCell("path", f"'{cell}': is a directory; name an audio file")
            raise WrongCell(
                "path", f"'{cell}': leaves the audio root {self.audio_root}; give --audio_root a folder that holds it"
            )
        return path

    def _address(self, cell: str) -> str:
        try:
            require_no_secret(cell if is_address(cell) else self.audio_root)
        except UserError as error:
            raise WrongCell("path", str(error)) from None
        return resolved(self.audio_root, cell)


def read_manifest(
    path: str | os.PathLike, audio_root: str | os.PathLike | None = None, check_audio: bool = True
) -> Manifest:
    """Opens a table and checks its header.

    >>> [row.track_id for row in dmml.read_table("songs.csv")][:2]
    ['t001', 't002']

    Columns: `track_id, path, artist`, optionally `title, split`, and one column a dimension: a bare header
    is a tag dimension (tags separated by `|`), bare `tempo` a value dimension; `name:tag` and `name:value`
    say it explicitly. Text is UTF-8, with or without a byte order mark.

    Args:
        path: CSV, TSV, JSON Lines or Parquet, see `tfrecords_tools.tables.formats.table_lines`; or its address.
        audio_root: folder, or address, that relative paths are resolved against and every path must lie in, by its
            name (symbolic links are not followed). None: relative paths lie in the table's folder,
            absolute ones anywhere.
        check_audio: looks at each row's file, without opening it.

    Raises:
        UserError: if it is no table, is empty, is not UTF-8, lacks a needed column, one column is both
            tag and value, `audio_root` is no folder, or the store of an address cannot be asked.
    """
    if is_address(audio_root):
        require_bucket(audio_root)
    elif audio_root is not None and check_audio and not os.path.isdir(audio_root):
        raise UserError(f"--audio_root {audio_root}: is no folder")
    table = OpenedTable(path)
    header = table.header(f"a header line with the columns {', '.join(NEEDED)} and one row a track")
    return Manifest(table, header, audio_root, check_audio)


def _difference(cell: str, spelling: str) -> str:
    return "the blanks at its ends" if spelling == cell.strip() else "how its accents are encoded"
