"""A file of votes that is only ever added to, a line a vote, by one server at a time."""

import csv
import dataclasses
import fcntl
import io
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dmml_tf.data.judgements.votes import DIM_SIM, FURTHER
from tfrecords_tools.errors import UserError

COLUMNS = DIM_SIM + FURTHER
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # what the last column of a whole line looks like
_MEND = "name a file of your own with --out"


@dataclasses.dataclass(frozen=True)
class Given:
    """A vote that is in the file.

    Attributes:
        vote_id: its number.
        triplet_id: what it is about.
        repeat: whether it is a repeat.
    """

    vote_id: str
    triplet_id: str
    repeat: bool


class VotesFile:
    """The file, open and locked while a `with` block lasts; what it held is read, and kept as it is.

    A vote is on the disk when `append` returns. The end of a line that a power cut tore is cut off when the file is
    opened: nobody was told that this vote was taken.

    Args:
        path: of the file; it is made if it is not there.

    Raises:
        UserError: if it cannot be written, has other columns, or another server writes it now.
    """

    def __init__(self, path: Path):
        self.path = path
        self._taken: dict[str, list[Given]] = {}
        self._last = 0  # vote id
        self._guard = threading.Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror}); {_MEND}") from error
        try:
            self._lock()
            self._read()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def given(self, listener: str) -> list[Given]:
        """A listener's votes, in the order in which they were given."""
        return list(self._taken.get(listener, ()))

    def append(self, cells: Mapping[str, Any]) -> None:
        """Writes one vote, and waits until it is on the disk.

        Args:
            cells: column -> value, of all of `COLUMNS` but `vote_id`.

        Raises:
            UserError: if it cannot be written; then nothing of it is in the file.
        """
        with self._guard:
            self._require_same()
            number = str(self._last + 1)
            line = _line({**cells, "vote_id": number})
            if not os.fstat(self._file).st_size:
                line = _line(dict(zip(COLUMNS, COLUMNS))) + line
            self._write(line)
            self._remember(cells["listener"], Given(number, cells["triplet_id"], bool(cells["repeat_of"])))

    def _write(self, text: str) -> None:
        before, waiting = os.fstat(self._file).st_size, memoryview(text.encode())
        try:
            while waiting:
                waiting = waiting[os.write(self._file, waiting) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            raise UserError(
                f"{self.path}: the vote cannot be written ({error.strerror}); mend that, and vote again"
            ) from error

    def _lock(self) -> None:
        try:
            # It goes with the process, however that ends.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{self.path}: another server takes votes into it now; end that, or {_MEND}") from error

    def _require_same(self) -> None:
        try:
            same = os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except OSError:
            same = False
        if not same:
            raise UserError(
                f"{self.path}: was moved, deleted or replaced while votes are taken; start the command again"
            )

    def _read(self) -> None:
        with open(self.path, "rb") as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        last = content[len(whole) :].decode(errors="replace")
        if last and (not whole or not _TIME.fullmatch(last.rpartition(",")[2])):
            if not whole:
                raise UserError(f"{self.path}: is no file of votes; {_MEND}")
            os.ftruncate(self._file, len(whole))
            content = whole
        elif last:
            self._write("\n")
        for listener, vote in _votes(self.path, content):
            self._remember(listener, vote)

    def _remember(self, listener: str, vote: Given) -> None:
        self._last = max(self._last, int(vote.vote_id))
        self._taken.setdefault(listener, []).append(vote)


def _votes(path: Path, content: bytes) -> Iterator[tuple[str, Given]]:
    if not content:
        return
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        columns = tuple(rows.fieldnames or ())
        if columns != COLUMNS:
            odd = sorted({*columns} ^ {*COLUMNS}) or ["their order"]
            raise UserError(f"{path}: has other columns than votes have ({', '.join(odd)[:200]}); {_MEND}")
        for row in rows:
            if None in row or None in row.values() or not row["vote_id"].isdecimal():
                raise UserError(f"{path}: line {rows.line_num} is no vote; mend it, or {_MEND}")
            yield row["listener"], Given(row["vote_id"], row["triplet_id"], bool(row["repeat_of"]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error}); {_MEND}") from error


def _line(cells: Mapping[str, Any]) -> str:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(cells)
    return text.getvalue()
