"""The metadata of an index's tracks by column: what a filter needs of a million tracks, without a million dictionaries.

A column of text is an Arrow array. A question about its cells is asked of each distinct cell once, so that filters mean
the same as for one track, and cost as much as a column has distinct cells.
"""

import bisect
import csv
import difflib
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from dmml_tf.conditions.labels import Array
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import as_known, normal

ID = "id"
TRACKS_FILE = "tracks.csv"  # in an index's folder
_ROWS = 1 << 14  # made into dictionaries at a time
_NAMED = 3  # ids like one that is not there
_NEAR = 20_000  # ids on either side of where it would stand that are compared with it letter by letter


class TrackTable(Sequence[Mapping[str, str]]):
    """N rows of text; a row is a dictionary that is made when it is asked for.

    Attributes:
        columns: name -> Arrow array of N strings; one of them is `id`.
    """

    def __init__(self, columns: Mapping[str, Any]):
        self.columns = dict(columns)

    @classmethod
    def of(cls, tracks: Sequence[Mapping[str, str]]) -> "TrackTable":
        """The table of rows that all have the keys of the first."""
        if isinstance(tracks, TrackTable):
            return tracks
        return cls({name: pa.array([track[name] for track in tracks], pa.string()) for name in tracks[0]})

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "TrackTable":
        """Reads a CSV file with a header; `ValueError`, `OSError` or `csv.Error` if it is none."""
        with open(path, newline="", encoding="utf-8") as file:
            names = next(csv.reader(file, strict=True), [])
        table = pyarrow.csv.read_csv(
            os.fspath(path),
            # A block must hold a row; titles may hold line ends.
            pyarrow.csv.ReadOptions(block_size=1 << 24),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
        return cls({name: table[name].combine_chunks() for name in names})

    def __len__(self) -> int:
        return len(self.columns[ID])

    @overload
    def __getitem__(self, row: int) -> dict[str, str]: ...

    @overload
    def __getitem__(self, row: slice) -> list[dict[str, str]]: ...

    def __getitem__(self, row: int | slice) -> dict[str, str] | list[dict[str, str]]:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        return {name: column[int(row)].as_py() for name, column in self.columns.items()}

    def __iter__(self) -> Iterator[dict[str, str]]:
        for first in range(0, len(self), _ROWS):
            for cells in zip(*(column.slice(first, _ROWS).to_pylist() for column in self.columns.values())):
                yield dict(zip(self.columns, cells))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(a == b for a, b in zip(self, other))

    def cell(self, row: int, column: str) -> str:
        """One cell."""
        return str(self.columns[column][int(row)].as_py())

    @functools.cached_property
    def ids(self) -> list[str]:
        """All ids, in the order of the rows."""
        return list(self.columns[ID].to_pylist())

    @functools.cached_property
    def ascending(self) -> bool:
        """Whether each id is above the one before; then none occurs twice."""
        ids = self.columns[ID]
        return len(ids) < 2 or bool(pc.all(pc.less(ids[:-1], ids[1:])).as_py())

    @functools.cached_property
    def unique(self) -> bool:
        """Whether no id occurs twice."""
        return self.ascending or len(pc.unique(self.columns[ID])) == len(self)

    def first_twice(self) -> str | None:
        """Of a table by ascending id, the first id that occurs twice; None where none does."""
        ids = self.columns[ID]
        same: Array = np.flatnonzero(pc.equal(ids[:-1], ids[1:]).to_numpy(zero_copy_only=False))
        return str(ids[int(same[0])].as_py()) if len(same) else None

    def row(self, track_id: str) -> int | None:
        """Row of a track, whose id may be spelled as `names.normal` takes it; None where there is no such id."""
        row = self._row(track_id)
        return self._row(normal(track_id)) if row is None else row

    def position(self, track_id: str) -> int:
        """Row of a track, as `row`; `UserError` that names close ids where there is none."""
        row = self.row(track_id)
        if row is None:
            raise UserError(
                f"no track '{track_id}' in the index; ids like it: {', '.join(self._ids_like(normal(track_id)))}; all "
                f"of its {len(self)} ids are in the first column of the index's {TRACKS_FILE}"
            )
        return row

    def _row(self, track_id: str) -> int | None:
        if not self.ascending:
            return self._rows.get(track_id)
        place = self._place(track_id)
        return place if place < len(self) and self.cell(place, ID) == track_id else None

    def _place(self, track_id: str) -> int:
        return bisect.bisect_left(range(len(self)), track_id, key=lambda row: self.cell(row, ID))

    @functools.cached_property
    def _rows(self) -> dict[str, int]:
        return {track_id: row for row, track_id in enumerate(self.ids)}

    def _ids_like(self, track_id: str) -> list[str]:
        folded = track_id.casefold()
        # Two files may differ in nothing but the case of their names, so that none is taken for the other unasked.
        same = [known for known in self.ids if known.casefold() == folded]
        place = self._place(track_id) if self.ascending else 0
        near = self.ids[max(0, place - _NEAR) : place + _NEAR]
        return (same or difflib.get_close_matches(track_id, near, _NAMED, cutoff=0.5) or self.ids[:1])[:_NAMED]

    def require(self, column: str) -> str:
        """The name of a column, which may be spelled as `names.normal` takes it.

        Raises:
            UserError: if there is none; names those there are.
        """
        known = as_known(column, self.columns)
        if known in self.columns:
            return known
        close = difflib.get_close_matches(known, self.columns, n=1)
        raise UserError(
            f"no column '{known}' to filter by{f' (do you mean {close[0]}?)' if close else ''}; "
            f"this index has: {', '.join(self.columns)}"
        )

    def where(self, column: str, test: Callable[[str], bool]) -> Array:
        """bool [N]: the rows whose cell passes; `test` is asked of each distinct cell once."""
        if column == ID:
            return np.fromiter(map(test, self.ids), bool, len(self))
        codes, cells = self._distinct(column)
        return np.fromiter(map(test, cells), bool, len(cells))[codes]

    def _distinct(self, column: str) -> tuple[Array, list[str]]:
        if column not in self._encoded:
            encoded = self.columns[column].dictionary_encode()
            self._encoded[column] = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
        return self._encoded[column]

    @functools.cached_property
    def _encoded(self) -> dict[str, tuple[Array, list[str]]]:
        return {}


def write_tracks(path: Path, tracks: Iterable[Mapping[str, str]]) -> None:
    """Writes the table of N rows of metadata, N at least 1, with the same keys in each."""
    rows = iter(tracks)
    first = next(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        # The csv module's own line ends: with "\n" it would leave a "\r" in a title unquoted.
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
