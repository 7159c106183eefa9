"""What the page asks -> a search of the index -> what the page shows."""

import dataclasses
from collections.abc import Mapping, Sequence

from dmml_tf.explore.library import Library
from dmml_tf.explore.maps import Maps
from dmml_tf.search.example import agree
from dmml_tf.search.index import Hit, Query
from dmml_tf.search.query import by_tracks, mix
from dmml_tf.search.rules import Rules
from dmml_tf.search.show import as_json
from tfrecords_tools.errors import UserError


@dataclasses.dataclass(frozen=True)
class Slot:
    """One of the page's two songs: a query, and its row of metadata if it is in the index."""

    query: Query
    track: Mapping[str, str] | None = None

    @classmethod
    def of_row(cls, library: Library, row: int) -> "Slot":
        """A song of the index; `UserError` if there is no such row."""
        require_row(library, row)
        track = library.index.tracks[row]
        return cls(by_tracks(library.index, [track["id"]]), track)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        slots: side -> song.
        sides: for each of `Index.names` the side whose part is taken.
        weights: of each.
        count: of results.
        not_its_artist: leaves out the artists of the songs asked by.
    """

    slots: Mapping[str, Slot]
    sides: Sequence[str]
    weights: Sequence[float]
    count: int = 10
    not_its_artist: bool = False


def require_row(library: Library, row: int) -> None:
    """Raises `UserError` unless the index has such a row."""
    if not 0 <= row < len(library.index.tracks):
        raise UserError(f"no song {row}; there are {len(library.index.tracks)}, counted from 0")


def search(library: Library, asked: Asked) -> list[Hit]:
    """The index's own answer.

    Raises:
        UserError: if the sides or weights are not one a condition, a side has no song, or as `Index.search`.
    """
    names = library.index.names
    for what, given in (("weights", asked.weights), ("sides", asked.sides)):
        if len(given) != len(names):
            raise UserError(f"{len(given)} {what} for {len(names)} conditions: {', '.join(names)}")
    missing = next((side for side in asked.sides if side not in asked.slots), None)
    if missing is not None:
        raise UserError(f"no song in slot {missing.upper()}; pick one")
    parts = {name: asked.slots[side].query for name, side in zip(names, asked.sides)}
    return library.index.search(
        mix(library.index, parts),
        dict(zip(names, asked.weights)),
        asked.count,
        Rules(not_its_artist=asked.not_its_artist),
    )


def answer(library: Library, maps: Maps, asked: Asked) -> dict:
    """The results and where they and the slots lie on the maps, as plain data.

    Returns:
        `hits`: as `show.as_json` and `Library.song`, with `agrees`, the conditions whose labels agree with
        those of the song asked by, and `near`, places on the maps in the order of `Index.names`; `slots`:
        side -> such places.
    """
    index, hits = library.index, search(library, asked)
    side_of = dict(zip(index.names, asked.sides))
    shown = []
    for hit, row in zip(hits, as_json(hits)):
        place = index.positions[hit.track["id"]]
        agrees = [
            condition.name
            for condition in index.conditions
            if condition.name in side_of
            and (track := asked.slots[side_of[condition.name]].track) is not None
            and agree(condition, track, hit.track)
        ]
        shown.append({**library.song(place), **row, "agrees": agrees, "near": _near(library, maps, place)})
    return {"hits": shown, "slots": {side: maps.near(slot.query) for side, slot in asked.slots.items()}}


def _near(library: Library, maps: Maps, row: int) -> list[int | None]:
    place = maps.place(row)
    if place is not None:
        return [place] * len(library.index.names)
    return maps.near(Slot.of_row(library, row).query)
