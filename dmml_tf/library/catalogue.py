"""The files of a library in SQLite: what each was when it was read, and what became of each sound.

    file    one row a path ever seen: size, time, content (digest), tags; `present` says whether it is there now
    sound   one row a content that was heard, or could not be: the problem, if there was one, and the notes

A killed process leaves the rows of its last transaction; that is why a sound's row is written before its vector: a
sound without problem whose vector is missing is heard again.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmml_tf.library.reading import CHANGED, Known, Seen
from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal
from tfrecords_tools.notes import Note

CATALOGUE_FILE = "files.sqlite"
_CHUNK = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS file(root TEXT, path TEXT, size INTEGER, changed INTEGER, content BLOB, title TEXT,
                                artist TEXT, album TEXT, year TEXT, problem TEXT, present INTEGER, id TEXT,
                                PRIMARY KEY(root, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sound(content BLOB PRIMARY KEY, problem TEXT, notes TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_of_id ON file(id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS file_of_content ON file(content);
CREATE TEMP TABLE walked(root TEXT, path TEXT, size INTEGER, changed INTEGER, PRIMARY KEY(root, path)) WITHOUT ROWID;
CREATE TEMP TABLE misnamed(root TEXT, path TEXT, PRIMARY KEY(root, path)) WITHOUT ROWID;
CREATE TEMP TABLE gone(root TEXT, path TEXT, content BLOB);
CREATE TEMP TABLE task(root TEXT, path TEXT, size INTEGER, changed INTEGER, content BLOB);
"""
# Files that were never read as they are now; one that could not be opened may be allowed to be read by now.
_NEW = """FROM walked LEFT JOIN file USING(root, path)
WHERE file.size IS NULL OR file.size <> walked.size OR file.changed <> walked.changed
OR (file.problem IS NOT NULL AND NOT still_so(root, path, file.problem))"""
_USABLE = """file LEFT JOIN sound USING(content)
WHERE present AND content IS NOT NULL AND sound.content IS NOT NULL AND sound.problem IS NULL"""

_SAME_PROBLEM = (
    "SELECT EXISTS(SELECT 1 FROM file WHERE present AND (root, path, size, changed, problem) = (?, ?, ?, ?, ?))"
)
# The id stays until the next index is made: the file is still the one that the index means.
_KEEP_FILE = """INSERT INTO file(root, path, size, changed, content, title, artist, album, year, problem, present)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET
size = excluded.size, changed = excluded.changed, content = excluded.content, title = excluded.title,
artist = excluded.artist, album = excluded.album, year = excluded.year, problem = excluded.problem, present = 1"""


class Catalogue:
    """The database of one library, for the one process that scans it."""

    def __init__(self, path: Path):
        self._path = path
        with self.mendable():
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.executescript(_TABLES)
            self._database.create_function("still_so", 3, _still_so)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    @contextlib.contextmanager
    def mendable(self) -> Iterator[None]:
        """Turns what SQLite says of a full disk or a damaged file into a line with the mend."""
        try:
            yield
        except sqlite3.Error as error:
            raise UserError(
                f"{self._path}: {error}; make room where the disk is full and scan again; if the file is damaged, "
                "remove it: the files are then read again, and no sound is embedded twice"
            ) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that the block writes, or nothing."""
        with self.mendable():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    # What the walk found.

    def walked(self, files: Iterable[Seen]) -> None:
        """Takes in what is there now."""
        with self.mendable():
            self._database.execute("DELETE FROM walked")
            self._many("INSERT OR REPLACE INTO walked VALUES (?, ?, ?, ?)", map(_cells, files))
            self._database.execute("DELETE FROM gone")
            self._database.execute(
                "INSERT INTO gone SELECT root, path, content FROM file "
                "WHERE present AND NOT EXISTS (SELECT 1 FROM walked WHERE (root, path) = (file.root, file.path))"
            )

    def misnamed(self, files: Iterable[tuple[str, str]]) -> None:
        """Takes in roots and paths, as printable text, of files whose names no id can have."""
        with self.mendable():
            self._database.execute("DELETE FROM misnamed")
            self._many("INSERT OR REPLACE INTO misnamed VALUES (?, ?)", files)

    def count_walked(self, root: str) -> int:
        """Files there now in a root."""
        return int(self._one("SELECT COUNT(*) FROM walked WHERE root = ?", root))

    def count_present(self, root: str | None = None) -> int:
        """Files that were there at the last scan, of one root or of all."""
        if root is None:
            return int(self._one("SELECT COUNT(*) FROM file WHERE present"))
        return int(self._one("SELECT COUNT(*) FROM file WHERE present AND root = ?", root))

    def count_new(self) -> int:
        """Files that must be read: new ones, changed ones, and those that could not be read."""
        return int(self._one(f"SELECT COUNT(*) {_NEW}"))

    def new(self) -> Iterator[Seen]:
        """Those files, by root and path; what is recorded meanwhile does not matter."""
        self._list_tasks(f"SELECT root, path, walked.size, walked.changed, NULL {_NEW} ORDER BY root, path")
        return (Seen(*cells[:4]) for cells in self._tasks())

    def record(self, files: Sequence[tuple[Seen, Known | str]]) -> None:
        """Keeps what reading some of them gave, in one transaction."""
        rows: list[tuple] = []
        for seen, known in files:
            if isinstance(known, Known):
                tags = known.tags
                rows.append((*_cells(seen), known.content, tags.title, tags.artist, tags.album, tags.year, None))
            else:
                # A time that no file has, so that it is read again.
                changed = -1 if known == CHANGED else seen.changed
                rows.append((seen.root, seen.path, seen.size, changed, None, "", "", "", "", known))
        # What cannot be read as before is no news.
        rows = [row for row in rows if row[-1] is None or not self._one(_SAME_PROBLEM, *row[:4], row[-1])]
        if rows:
            with self.transaction():
                self._touch()
                self._database.executemany(_KEEP_FILE, rows)

    # What is gone, and what is back.

    def count_gone(self) -> int:
        """Files of the last scan that are not there, and whose sound is in no other file that is."""
        return int(
            self._one(
                "SELECT COUNT(*) FROM gone WHERE content IS NULL OR NOT EXISTS (SELECT 1 FROM file JOIN walked "
                "USING(root, path) WHERE file.content = gone.content)"
            )
        )

    def settle(self) -> int:
        """Makes the files that are there now the present ones; returns how many came back."""
        back = (
            "FROM file WHERE NOT present AND EXISTS (SELECT 1 FROM walked WHERE (root, path) = (file.root, file.path))"
        )
        came = int(self._one(f"SELECT COUNT(*) {back}"))
        if came or self._one("SELECT COUNT(*) FROM gone"):
            with self.transaction():
                self._touch()
                self._database.execute(f"UPDATE file SET present = 1 WHERE (root, path) IN (SELECT root, path {back})")
                self._database.execute(
                    "UPDATE file SET present = 0, id = NULL WHERE (root, path) IN (SELECT root, path FROM gone)"
                )
        return came

    # What must be heard.

    def unheard(self, heard: Iterable[bytes]) -> int:
        """Lists a file of each present content that was not heard: by root and path; returns their number.

        Args:
            heard: contents whose vectors are there.
        """
        with self.mendable():
            self._database.execute("CREATE TEMP TABLE IF NOT EXISTS heard(content BLOB PRIMARY KEY) WITHOUT ROWID")
            self._database.execute("DELETE FROM heard")
            self._many("INSERT OR IGNORE INTO heard VALUES (?)", ((content,) for content in heard))
            # Where the catalogue was lost and made anew, the vectors are still there.
            self._database.execute("INSERT OR IGNORE INTO sound SELECT content, NULL, '[]' FROM heard")
        # SQLite takes the other columns from the row that has the least path.
        self._list_tasks(
            "SELECT root, path, size, changed, content FROM (SELECT *, MIN(root || '/' || path) AS first FROM file "
            "LEFT JOIN sound USING(content) WHERE present AND content IS NOT NULL AND sound.problem IS NULL AND NOT "
            "EXISTS (SELECT 1 FROM heard WHERE heard.content = file.content) GROUP BY content) ORDER BY first"
        )
        return int(self._one("SELECT COUNT(*) FROM task"))

    def tasks(self) -> Iterator[tuple[Seen, bytes]]:
        """The files that `unheard` listed, and their contents."""
        return ((Seen(*cells[:4]), cells[4]) for cells in self._tasks())

    def record_sounds(self, sounds: Iterable[tuple[bytes, str | None, Sequence[Note]]]) -> None:
        """Keeps what became of some sounds: content, problem, notes."""
        rows = [
            (content, problem, json.dumps([[note.kind, note.what, note.done] for note in notes]))
            for content, problem, notes in sounds
        ]
        with self.transaction():
            self._touch()
            self._database.executemany("INSERT OR REPLACE INTO sound VALUES (?, ?, ?)", rows)

    def forget_content(self, seen: Seen) -> None:
        """Has a file read again at the next scan: it changed."""
        with self.transaction():
            self._touch()
            self._database.execute(
                "UPDATE file SET content = NULL, changed = -1, problem = ? WHERE root = ? AND path = ?",
                (CHANGED, seen.root, seen.path),
            )

    def forget_problems(self) -> None:
        """Has every sound heard again that could not be used."""
        with self.transaction():
            self._database.execute("DELETE FROM sound WHERE problem IS NOT NULL")

    # What the index and the tables are made of.

    def name_files(self, prefixes: Mapping[str, str]) -> None:
        """Gives each usable file its id: prefix and path, spelled as ids are, with a number where two are alike."""
        with self.transaction():
            self._database.execute("UPDATE file SET id = NULL WHERE id IS NOT NULL")
            self._can_name(prefixes)
            self._database.execute(
                f"UPDATE file SET id = id_of(root, path) WHERE (root, path) IN (SELECT root, path FROM {_USABLE})"
            )
            twins = self._database.execute(
                "SELECT id, root, path FROM file WHERE id IN (SELECT id FROM file WHERE id IS NOT NULL GROUP BY id "
                "HAVING COUNT(*) > 1)"
            ).fetchall()
            # First the one whose name is the id, as it is written.
            twins.sort(key=lambda twin: (twin[0], prefixes[twin[1]] + twin[2] != twin[0], twin[1:]))
            number, before = 0, None
            for track_id, root, path in twins:
                number = number + 1 if track_id == before else 1
                before = track_id
                if number > 1:
                    self._database.execute(
                        "UPDATE file SET id = ? WHERE root = ? AND path = ?", (f"{track_id} ({number})", root, path)
                    )

    def rows(self) -> Iterator[tuple[str, str, str, str, str, str, bytes]]:
        """id, path, title, artist, album, year and content of each file that has an id, by ascending id."""
        return self._rows(
            "SELECT id, path, title, artist, album, year, content FROM file WHERE id IS NOT NULL ORDER BY id"
        )

    def count_rows(self) -> int:
        """Number of files that have an id."""
        return int(self._one("SELECT COUNT(*) FROM file WHERE id IS NOT NULL"))

    def rejects(self) -> Iterator[tuple[str, str, str]]:
        """root, path and reason of each file that is there and cannot be used, by root and path."""
        return self._rows(
            "SELECT root, path, COALESCE(file.problem, sound.problem) AS reason FROM file "
            "LEFT JOIN sound USING(content) WHERE present AND reason IS NOT NULL UNION ALL SELECT root, path, "
            "'bad file name: holds a control character or is not UTF-8; rename it' FROM misnamed ORDER BY root, path"
        )

    def notes(self) -> Iterator[tuple[str, str, Note]]:
        """root, path and note of whatever was odd in a file that is there, by root and path."""
        rows = self._rows(
            "SELECT root, path, notes FROM file JOIN sound USING(content) WHERE present AND notes <> '[]' "
            "ORDER BY root, path"
        )
        return ((root, path, Note(*cells)) for root, path, notes in rows for cells in json.loads(notes))

    def renamed(self, prefixes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """root, path and id of each file that has a number in its id, by root and path."""
        self._can_name(prefixes)
        return self._rows(
            "SELECT root, path, id FROM file WHERE id IS NOT NULL AND id <> id_of(root, path) ORDER BY root, path"
        )

    def fact(self, name: str) -> str:
        """A short text that was kept under a name; empty if none was."""
        found = self._rows("SELECT value FROM fact WHERE name = ?", name)
        return str(next(found, ("",))[0])

    def keep_fact(self, name: str, value: str) -> None:
        """Keeps a short text under a name."""
        with self.mendable():
            self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def _can_name(self, prefixes: Mapping[str, str]) -> None:
        self._database.create_function("id_of", 2, lambda root, path: normal(prefixes[root] + path), deterministic=True)

    def _touch(self) -> None:
        """Says that the index is not of these rows any more."""
        self._database.execute("DELETE FROM fact WHERE name = 'indexed'")

    def _list_tasks(self, query: str) -> None:
        with self.mendable():
            self._database.execute("DELETE FROM task")
            self._database.execute(f"INSERT INTO task {query}")

    def _tasks(self) -> Iterator[tuple]:
        """The rows of `task`, some at a time, so that no reading of the database is open while it is written to."""
        last = 0
        while rows := list(
            self._rows("SELECT rowid, * FROM task WHERE rowid > ? ORDER BY rowid LIMIT ?", last, _CHUNK)
        ):
            last = rows[-1][0]
            yield from (row[1:] for row in rows)

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> Iterator[Any]:
        with self.mendable():
            yield from self._database.execute(query, values)

    def _one(self, query: str, *values: Any) -> Any:
        with self.mendable():
            return self._database.execute(query, values).fetchone()[0]


def find_place(path: Path, track_id: str) -> str | None:
    """The file of an id, read beside a scan that may be at work; None where the library has no such id.

    Raises:
        UserError: if the database cannot be read.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        ) as database:
            row = database.execute("SELECT root, path FROM file WHERE id = ?", (track_id,)).fetchone()
    except sqlite3.Error as error:
        raise UserError(f"{path}: cannot be read ({error}); scan the library again") from error
    return os.path.join(*row) if row else None


def _still_so(root: str, path: str, problem: str) -> bool:
    return file_problem(os.path.join(root, path)) == problem


def _cells(seen: Seen) -> tuple[str, str, int, int]:
    return seen.root, seen.path, seen.size, seen.changed
