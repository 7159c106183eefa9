"""What may be among the results: filters, other artists and albums, at most so many of each, and a variation."""

import dataclasses
import posixpath
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.filters import Filter, allowed_rows
from dmml_tf.search.track_table import ID, TrackTable
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of

ARTIST, ALBUM = "artist", "album"
Key = str | tuple[str, ...]  # an artist, or what tells an album from others
# The discs of an album often lie in folders of their own.
_DISC = re.compile(r"(cd|dis[ck])[ _-]*\d+", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the results of a search, a path or a playlist must be, besides similar.

    Attributes:
        filters: demands on the metadata, all of which must hold; see `filters.parse_filter`.
        exclude: ids to leave out.
        not_its_artist, not_its_album: leave out the artists, or the albums, of the tracks asked by.
        most_per_artist, most_per_album: so many tracks of one at most; None sets no limit. Of a track of several
            artists each counts; an unknown artist or album is nobody's. Tracks are of one album if its title is the
            same, case aside, and they lie in one folder (`CD 1` and the like aside); tracks that lie in none, if also
            their artists are the same.
        vary: share of the tracks, from 0 to below 1, that are left out at random: a track's id and the seed alone
            decide. So the k results are the best of a random `1 - vary` of all, come at about the ranks up to
            `k / (1 - vary)` of the plain search, and are the same whenever the seed is.
        seed: of `vary`.
    """

    filters: Sequence[Filter] = ()
    exclude: Collection[str] = ()
    not_its_artist: bool = False
    not_its_album: bool = False
    most_per_artist: int | None = None
    most_per_album: int | None = None
    vary: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises `UserError` on a limit below 1 or a `vary` that is no such share."""
        for name, most in (("most_per_artist", self.most_per_artist), ("most_per_album", self.most_per_album)):
            if most is not None and most < 1:
                raise UserError(f"{name} is {most}; allow at least 1")
        if not 0 <= self.vary < 1:
            raise UserError(f"vary is {self.vary}; give a share of the tracks to leave out, from 0 to below 1")

    @property
    def limited(self) -> bool:
        """Whether an artist or an album may be there only so often."""
        return self.most_per_artist is not None or self.most_per_album is not None

    def allowed(self, table: TrackTable, own: Sequence[int] = ()) -> Array:
        """bool [N]: which tracks may be results, limits aside; never those in the rows `own`, which were asked by.

        Raises:
            UserError: on a column the tracks do not have, or an unknown id.
        """
        allowed = allowed_rows(table, self.filters)
        if self.not_its_artist:
            allowed &= ~by_artists(table, {name for row in own for name in artists(table, row)})
        if self.not_its_album:
            allowed &= ~of_albums(table, {key for row in own if (key := album(table, row))})
        if self.vary:
            allowed &= chances(table.ids, self.seed) >= self.vary
        allowed[[*own, *(table.position(track_id) for track_id in self.exclude)]] = False
        return allowed


NO_RULES = Rules()


class Limits:
    """Counts tracks by artist and album as they are taken, up to what the rules allow of each.

    Raises:
        UserError: if the tracks have no column that the rules count by.
    """

    def __init__(self, table: TrackTable, rules: Rules):
        self._table = table
        most = {table.require(ARTIST): rules.most_per_artist} if rules.most_per_artist else {}
        most |= {table.require(ALBUM): rules.most_per_album} if rules.most_per_album else {}
        self._most: dict[str, int] = {column: count for column, count in most.items() if count}
        self._counts: Counter[tuple[str, Key]] = Counter()

    def keys(self, row: int) -> set[tuple[str, Key]]:
        """What a track is counted by: (`artist`, a name), (`album`, a key)."""
        keys: set[tuple[str, Key]] = set()
        if ARTIST in self._most:
            keys |= {(ARTIST, name) for name in artists(self._table, row)}
        if ALBUM in self._most and (key := album(self._table, row)):
            keys.add((ALBUM, key))
        return keys

    def full(self, keys: Iterable[tuple[str, Key]]) -> set[tuple[str, Key]]:
        """Those of which no further track may be taken."""
        return {key for key in keys if self._counts[key] >= self._most[key[0]]}

    def count(self, row: int) -> None:
        """Counts a track, whatever the limits."""
        self._counts.update(self.keys(row))

    def take(self, row: int) -> bool:
        """Counts a track, and says True, unless one of its artists, or its album, is there often enough."""
        if self.full(self.keys(row)):
            return False
        self.count(row)
        return True

    def spent(self) -> Array:
        """bool [N]: tracks of which `take` would say False."""
        full = self.full(self._counts)
        spent = np.zeros(len(self._table), bool)
        if names := {key for column, key in full if column == ARTIST}:
            spent |= by_artists(self._table, names)
        if albums := {key for column, key in full if column == ALBUM}:
            spent |= of_albums(self._table, albums)
        return spent


def artists(table: TrackTable, row: int) -> set[str]:
    """The artists of a track, case aside; none where they are unknown."""
    return _folded(table.cell(row, table.require(ARTIST)))


def by_artists(table: TrackTable, names: Collection[Key]) -> Array:
    """bool [N]: the tracks by any of some artists, as `artists` names them."""
    return table.where(table.require(ARTIST), lambda cell: not _folded(cell).isdisjoint(names))


def album(table: TrackTable, row: int) -> tuple[str, ...]:
    """What tells a track's album from any other, see `Rules`; empty where it is unknown."""
    title = table.cell(row, table.require(ALBUM)).strip().casefold()
    folder = posixpath.dirname(table.cell(row, ID))
    if _DISC.fullmatch(posixpath.basename(folder)):
        folder = posixpath.dirname(folder)
    return (title, folder, *(() if folder else sorted(artists(table, row)))) if title else ()


def of_albums(table: TrackTable, keys: Collection[Key]) -> Array:
    """bool [N]: the tracks of any of some albums, as `album` tells them."""
    titles = {key[0] for key in keys}
    those = table.where(table.require(ALBUM), lambda cell: cell.strip().casefold() in titles)
    # Folders are looked at of those alone whose title is one of these.
    rows = np.flatnonzero(those)
    those[rows] = np.fromiter((album(table, row) in keys for row in rows), bool, len(rows))
    return those


def chances(ids: Sequence[str], seed: int) -> Array:
    """float64 [N] in [0, 1): a random number of each id, the same on every machine and beside whatever other ids."""
    text = np.fromiter((zlib.crc32(track_id.encode("utf-8", "surrogatepass")) for track_id in ids), np.uint64, len(ids))
    # splitmix64 (Steele et al., OOPSLA 2014): a checksum alone would move all ids alike from one seed to the next.
    mixed = text + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _folded(cell: str) -> set[str]:
    return {artist.casefold() for artist in artists_of(cell)}
