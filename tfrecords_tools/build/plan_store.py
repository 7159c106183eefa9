"""A manifest's rows on disk: SQLite finds duplicates, counts artists and keeps the order, whatever their number."""

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tfrecords_tools.build.plan_database import PlanDatabase
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.notes import RowNote, of_row
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.rows import Reject, Row
from tfrecords_tools.tables.splits import (
    artist_keys,
    assign_artists,
    is_large,
    joined_artists,
    refuse_shared_artists,
    seeded_order,
)

_CHUNK = 10_000
_TABLES = """
CREATE TABLE track(line INTEGER PRIMARY KEY, track_id TEXT, path BLOB, artist TEXT, title TEXT, split TEXT,
                   artist_key TEXT, shuffled BLOB, tags TEXT, numbers TEXT, lacks_tempo INTEGER);
CREATE TABLE reject(line INTEGER, is_row INTEGER, tab TEXT, cells TEXT);
CREATE TABLE note(line INTEGER, kind TEXT, cells TEXT);
CREATE TABLE link(artist_key TEXT, other TEXT);
CREATE TABLE side(artist_key TEXT PRIMARY KEY, split TEXT) WITHOUT ROWID;
CREATE TABLE placed(place INTEGER PRIMARY KEY, line INTEGER, split TEXT);
"""
_ROW = "track_id, path, artist, title, placed.split, tags, numbers, line"  # what `_row` takes
_SPLIT_RANK = " ".join(f"WHEN '{split}' THEN {rank}" for rank, split in enumerate(SPLITS))


class PlanStore:
    """The rows of one manifest, first as they come (`fill`), then split and in order (`arrange`).

    Args:
        path: the database's file, made anew; empty keeps it in SQLite's own temporary file.
        tags, values: the dimensions to keep of each row.
        seed: decides the split by artist and the order.

    Attributes:
        database: where they are.
    """

    def __init__(self, path: str | os.PathLike, tags: Sequence[str], values: Sequence[str], seed: int):
        self._tags, self._values, self._seed = tuple(tags), tuple(values), seed
        self.database = PlanDatabase(path)
        self.database.script(_TABLES)
        self.database.function("as_json", -1, lambda *cells: json.dumps(cells))
        self.database.function("seeded_order", 1, lambda name: seeded_order(seed, name))

    def close(self) -> None:
        """Closes the database; the file stays."""
        self.database.close()

    def fill(self, items: Iterable[Row | Reject]) -> None:
        """Takes in a manifest's rows; of two with one id, the first counts.

        Raises:
            UserError: where the manifest does, or if the disk is full.
        """
        rows, rejects = [], []
        with self.database.transaction():
            for item in items:
                if isinstance(item, Row):
                    if item.notes:
                        self.add_notes(of_row(item.line, item.track_id, item.notes))
                    if TAG_SEPARATOR in item.artist:
                        self._add_links(artist_keys(item.track_id, item.artist))
                    rows.append(self._cells(item))
                    if len(rows) >= _CHUNK:
                        self._insert(rows)
                        rows.clear()
                else:
                    rejects.append(item)
                    if len(rejects) >= _CHUNK:
                        self.add_rejects(rejects)
                        rejects.clear()
            self._insert(rows)
            self.add_rejects(rejects)
            self._drop_duplicates()

    def add_rejects(self, rejects: Iterable[Reject], of_rows: bool = True) -> None:
        """Takes in what is left out: rows, or columns (`of_rows=False`)."""
        # As JSON in ASCII: a path, and so a reason, may hold bytes that are no text.
        self.database.execute_each(
            "INSERT INTO reject VALUES (?, ?, ?, ?)",
            (
                (reject.line, of_rows, reject.table, json.dumps([reject.track_id, reject.field, reject.reason]))
                for reject in rejects
            ),
        )

    def add_notes(self, notes: Iterable[RowNote]) -> None:
        """Takes in what was odd."""
        # In ASCII, as rejects are.
        self.database.execute_each(
            "INSERT INTO note VALUES (?, ?, ?)",
            ((note.line, note.kind, json.dumps([note.track_id, note.what, note.done])) for note in notes),
        )

    def arrange(self, source: str, resplit: bool) -> None:
        """Gives every row a split and a place: splits in the order of `SPLITS`, a seeded order within.

        Args:
            source: the table's name, for messages.
            resplit: splits by artist although rows have a split.

        Raises:
            UserError: if the table's own split has an artist on two sides.
        """
        with self.database.transaction():
            self._join_artists()
            given = not resplit and self.database.one("SELECT EXISTS(SELECT 1 FROM track WHERE split <> '')")
            if given:
                self._keep_the_split(source)
                split, join = "track.split", ""
            else:
                self._assign()
                split, join = "side.split", "JOIN side USING(artist_key)"
            self.database.execute(
                f"INSERT INTO placed(line, split) SELECT line, {split} FROM track {join} "
                f"ORDER BY CASE {split} {_SPLIT_RANK} END, shuffled, track_id"
            )

    def tag_counts(self) -> dict[str, Counter[str]]:
        """Tag dimension -> each tag that placed rows have -> number of rows."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self._tags}
        for labels, rows in self.database.rows("SELECT tags, COUNT(*) FROM track GROUP BY tags"):
            for name, tags in zip(self._tags, json.loads(labels)):
                for tag in tags:
                    counts[name][tag] += rows
        return counts

    def values(self, name: str) -> Iterator[tuple[int, str, float]]:
        """(line, track id, number) of each placed row that has a value in a value dimension, by line."""
        number = f"json_extract(numbers, '$[{self._values.index(name)}]')"
        return self.database.rows(
            f"SELECT line, track_id, {number} FROM track WHERE {number} IS NOT NULL ORDER BY line"
        )

    def tracks(self, split: str) -> int:
        """Number of placed rows of a split."""
        return self.database.one("SELECT COUNT(*) FROM placed WHERE split = ?", split)

    def lacking_tempo(self) -> int:
        """Number of placed rows whose tempo is not known."""
        return self.database.one("SELECT COUNT(*) FROM placed JOIN track USING(line) WHERE lacks_tempo")

    def rejected(self, table: str | None = None) -> int:
        """Number of rejected rows, of one table (`Reject.table`) or of all; columns are not counted."""
        of_table = "(tab = ? OR ? IS NULL)"
        return self.database.one(f"SELECT COUNT(*) FROM reject WHERE is_row AND {of_table}", table, table)

    def rejects(self, only_rows: bool = False) -> Iterator[Reject]:
        """Everything left out, the manifest's first, by line; with `only_rows` no columns."""
        query = f"SELECT line, tab, cells FROM reject {'WHERE is_row' if only_rows else ''} ORDER BY tab, line, rowid"
        for line, table, cells in self.database.rows(query):
            track_id, field, reason = json.loads(cells)
            yield Reject(line, track_id, field, reason, table)

    def notes(self) -> Iterator[RowNote]:
        """Everything that was odd, by line."""
        for line, kind, cells in self.database.rows("SELECT line, kind, cells FROM note ORDER BY line, rowid"):
            track_id, what, done = json.loads(cells)
            yield RowNote(line, track_id, kind, what, done)

    def noted(self) -> dict[str, int]:
        """Kind -> number of its notes."""
        return dict(self.database.rows("SELECT kind, COUNT(*) FROM note GROUP BY kind ORDER BY kind"))

    def rows(self, first: int, count: int) -> Iterator[Row]:
        """The placed rows from place `first` (from 0) on, in order, with their split."""
        return map(
            self._row,
            self.database.rows(
                f"SELECT {_ROW} FROM placed JOIN track USING(line) WHERE place > ? AND place <= ? ORDER BY place",
                first,
                first + count,
            ),
        )

    def shared_files(self) -> Iterator[list[Row]]:
        """Rows of one path that are in different splits, path by path, by line."""
        # By path first: of a million rows few are left to look up.
        twice = "SELECT json_group_array(line) FROM track GROUP BY path HAVING COUNT(*) > 1"
        lines = [line for (group,) in self.database.rows(twice) for line in json.loads(group)]
        rows = self.database.rows(
            f"SELECT {_ROW} FROM placed JOIN track USING(line) WHERE line IN (SELECT value FROM json_each(?)) "
            "ORDER BY path, line",
            json.dumps(lines),
        )
        for _, group in itertools.groupby(map(self._row, rows) if lines else (), lambda row: row.path):
            of_path = list(group)
            if len({row.split for row in of_path}) > 1:
                yield of_path

    def sample(self, count: int) -> list[str]:
        """Paths of a few rows, the first in the seeded order of all."""
        query = "SELECT path FROM placed JOIN track USING(line) ORDER BY shuffled, track_id LIMIT ?"
        return [os.fsdecode(path) for (path,) in self.database.rows(query, count)]

    def _cells(self, row: Row) -> tuple:
        # A row does not know the dimensions that segments alone label. Only one missing tempo is of interest: that of a
        # table whose tempo is to be estimated.
        tags = json.dumps([row.tags.get(name, ()) for name in self._tags])
        numbers = json.dumps([row.values.get(name) for name in self._values])
        return (
            row.line,
            row.track_id,
            os.fsencode(row.path),
            row.artist,
            row.title,
            row.split,
            artist_keys(row.track_id, row.artist)[0],
            seeded_order(self._seed, row.track_id),
            tags,
            numbers,
            row.values.get("tempo") is None,
        )

    def _row(self, cells: tuple) -> Row:
        track_id, path, artist, title, split, tags, numbers, line = cells
        return Row(
            track_id,
            os.fsdecode(path),
            artist,
            title,
            split,
            dict(zip(self._tags, map(tuple, json.loads(tags)))),
            dict(zip(self._values, json.loads(numbers))),
            line,
        )

    def _add_links(self, keys: Sequence[str]) -> None:
        self.database.execute_each("INSERT INTO link VALUES (?, ?)", ((keys[0], other) for other in keys[1:]))

    def _join_artists(self) -> None:
        """Gives tracks whose artists are connected by tracks of both one key."""
        joined = joined_artists(self.database.rows("SELECT DISTINCT artist_key, other FROM link"))
        if joined:
            self.database.function("joined", 1, lambda key: joined.get(key, key))
            self.database.execute("UPDATE track SET artist_key = joined(artist_key)")

    def _insert(self, rows: Sequence[tuple]) -> None:
        self.database.execute_each("INSERT INTO track VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _drop_duplicates(self) -> None:
        # An index after the rows is a sort; a constraint before them would look up each of a million.
        self.database.execute("CREATE INDEX by_id ON track(track_id)")
        self._reject(
            "track_id",
            "'duplicate of line ' || first",
            """track JOIN (
            SELECT track_id AS double, MIN(line) AS first FROM track GROUP BY track_id HAVING COUNT(*) > 1)
            ON track_id = double AND line > first""",
        )

    def _keep_the_split(self, source: str) -> None:
        self._reject(
            "split", "'is empty where other rows have one; fill it in, or give --resplit'", "track WHERE split = ''"
        )
        refuse_shared_artists(
            self.database.rows("""SELECT artist_key, artist, split FROM track WHERE artist_key IN (
            SELECT artist_key FROM track GROUP BY artist_key HAVING COUNT(DISTINCT split) > 1) ORDER BY line"""),
            source,
        )

    def _reject(self, field: str, reason: str, rows: str) -> None:
        """Makes rejects of the rows that `rows` (SQL after FROM) selects, for a `reason` (an SQL expression)."""
        query = f"INSERT INTO reject SELECT line, 1, '', as_json(track_id, ?, {reason}) FROM {rows}"
        self.database.execute(query, field)
        self.database.execute("DELETE FROM track WHERE line IN (SELECT line FROM reject WHERE is_row AND tab = '')")

    def _assign(self) -> None:
        total = self.database.one("SELECT COUNT(*) FROM track")
        self.database.function("is_large", 1, lambda tracks: is_large(tracks, total))
        artists = self.database.rows(
            "SELECT artist_key, COUNT(*) AS tracks FROM track GROUP BY artist_key "
            "ORDER BY is_large(tracks) DESC, seeded_order(artist_key), artist_key"
        )
        self.database.execute_each("INSERT OR REPLACE INTO side VALUES (?, ?)", assign_artists(artists, total))
