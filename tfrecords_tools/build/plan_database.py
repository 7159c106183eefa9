"""The SQLite file of a plan: transactions begin and end where they are told, and a full disk is one line."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfrecords_tools.errors import UserError

_CACHE_KIB = 65_536
# A plan is made anew by whoever needs it again, so that nothing here must survive a crash.
_SETTINGS = ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}")


class PlanDatabase:
    """A database that is made anew.

    Args:
        path: its file; empty keeps it in SQLite's own temporary file.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = os.fspath(path)
        if self._path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        with self._mendable():
            # Transactions are begun and ended here, not by the module's own guess.
            self._database = sqlite3.connect(self._path, isolation_level=None)
            for setting in _SETTINGS:
                self._database.execute(f"PRAGMA {setting}")

    def close(self) -> None:
        """Closes the database; the file stays."""
        self._database.close()

    def script(self, statements: str) -> None:
        """Executes statements, separated by semicolons."""
        with self._mendable():
            self._database.executescript(statements)

    def function(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Lets statements call a deterministic function; -1 arguments are any number."""
        self._database.create_function(name, arguments, function, deterministic=True)

    def execute(self, statement: str, *values: Any) -> None:
        """Executes one statement."""
        with self._mendable():
            self._database.execute(statement, values)

    def execute_each(self, statement: str, rows: Iterable[tuple]) -> None:
        """Executes one statement for each row of values."""
        with self._mendable():
            self._database.executemany(statement, rows)

    def one(self, query: str, *values: Any) -> Any:
        """The first cell of the first row of a query."""
        with self._mendable():
            return self._database.execute(query, values).fetchone()[0]

    def rows(self, query: str, *values: Any) -> Iterator[tuple]:
        """The rows of a query, one by one."""
        with self._mendable():
            # Not `yield from`, which closes the cursor when the generator is left, perhaps after its database.
            for row in self._database.execute(query, values):  # noqa: UP028
                yield row

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Makes what is done within it one transaction."""
        with self._mendable():
            self._database.execute("BEGIN")
            yield
            self._database.execute("COMMIT")

    @contextlib.contextmanager
    def _mendable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UserError(
                f"{self._path or 'the plan of the build'}: cannot be written ({error}); make room, then "
                "run the command again"
            ) from error
