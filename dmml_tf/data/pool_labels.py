"""Label columns of a pool of tracks, kept as tracks come and go: made anew for each batch they cost a fifth of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.data.records import label_arrays
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.formats import artists_of


class Numbers:
    """Numbers names for as long as someone holds them: 0 and up, a number that is free again first.

    >>> numbers = Numbers()
    >>> [numbers.take(name) for name in ("a", "b", "a")]
    [0, 1, 0]
    >>> numbers.release("b")
    >>> numbers.take("c")
    1
    """

    def __init__(self) -> None:
        self._held: dict[str, list[int]] = {}  # name -> [its number, how many hold it]
        self._free: list[int] = []

    def take(self, name: str) -> int:
        """The name's number, held once more."""
        if name not in self._held:
            self._held[name] = [self._free.pop() if self._free else len(self._held), 0]
        self._held[name][1] += 1
        return self._held[name][0]

    def release(self, name: str) -> None:
        """Holds a name once less; the last who does frees its number."""
        number, holders = self._held[name]
        if holders > 1:
            self._held[name][1] -= 1
        else:
            del self._held[name]
            self._free.append(number)


class PoolLabels:
    """Columns as `dmml_tf.data.records.label_arrays` makes them of the rows that a pool holds, but for two: `track`
    numbers the songs, of which one may be held twice, and an `artist` without a vocabulary has any number of its own.

    Args:
        schema: names the dimensions.
        rows: of all slots.

    Attributes:
        columns: `Labels` [N, ...]; they change with the next `replace`.
    """

    def __init__(self, schema: Schema, rows: Sequence[Mapping[str, Any]]):
        self._schema = schema
        self._tracks, self._artists = Numbers(), Numbers()
        self._names = [self._names_of(row) for row in rows]
        self.columns = label_arrays(schema, rows)
        for slot, (track, artists) in enumerate(self._names):
            self._number(slot, track, artists)

    def replace(self, slot: int, row: Mapping[str, Any]) -> None:
        """Another row is in a slot."""
        track, artists = self._names[slot]
        self._tracks.release(track)
        for name in artists:
            self._artists.release(name)
        for name in self._schema.vocabularies:
            self._set_ids(name, slot, row[f"tags/{name}"])
        for name in self._schema.values:
            self.columns[name][slot] = row[f"values/{name}"]
        self._names[slot] = self._names_of(row)
        self._number(slot, *self._names[slot])

    def _names_of(self, row: Mapping[str, Any]) -> tuple[str, list[str]]:
        return row["track_id"], [] if "artist" in self._schema.vocabularies else artists_of(row["artist"])

    def _number(self, slot: int, track: str, artists: Sequence[str]) -> None:
        self.columns["track"][slot] = self._tracks.take(track)
        if "artist" not in self._schema.vocabularies:
            self._set_ids("artist", slot, [self._artists.take(name) for name in artists])

    def _set_ids(self, name: str, slot: int, ids: Sequence[int] | Array) -> None:
        column = self.columns[name]
        if len(ids) > column.shape[1]:
            wider = np.full((len(column), len(ids)), -1, np.int32)
            wider[:, : column.shape[1]] = column
            self.columns[name] = column = wider
        column[slot] = -1
        column[slot, : len(ids)] = ids
