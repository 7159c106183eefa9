"""A playlist: songs that are like the seeds and not too like each other.

Songs are chosen one by one by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each time the one of
the highest `(1 - variety) * likeness - variety * nearest`, where likeness is its weighted mean cosine with what is
asked for, and nearest the highest such mean with a song that was chosen before. With variety 0 it is the search's own
order; a song that sounds as one before it (`points.copies`) comes after all others. Of many songs the 2,048 likest are
chosen among; more are looked at where limits leave too few of these.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.library.points import Points, copies
from dmml_tf.search.index import Asked, Index, Query
from dmml_tf.search.query import push_away, together
from dmml_tf.search.rules import NO_RULES, Limits, Rules
from tfrecords_tools.errors import UserError

SONGS = 20
VARIETY = 0.3
MOST_SONGS = 1000
CANDIDATES = 2048
SECONDS = "seconds"
_COPIED = 10.0  # above any difference of values: copies come last


@dataclasses.dataclass(frozen=True)
class Listed:
    """A song of a playlist.

    Attributes:
        track: its metadata; None of a seed that is not in the index.
        likeness: weighted mean cosine with what was asked for; 1 of a seed.
        nearest: the highest weighted mean cosine with a song that was chosen before; 0 of seeds and the first one.
    """

    track: Mapping[str, str] | None
    likeness: float
    nearest: float


@dataclasses.dataclass(frozen=True)
class Taste:
    """What a playlist is made from.

    Attributes:
        seeds: songs that it begins with; the others are like them.
        likes: songs that count as the seeds do, and are not in it.
        dislikes: songs that it is to be unlike; what they have in common counts half of the rest.
    """

    seeds: Sequence[Query]
    likes: Sequence[Query] = ()
    dislikes: Sequence[Query] = ()

    def query(self, index: Index) -> Query:
        """What is asked for; `UserError` without seed or like."""
        query = together(index, [*self.seeds, *self.likes])
        return push_away(index, query, together(index, self.dislikes)) if self.dislikes else query


def make_playlist(
    index: Index,
    taste: Taste,
    songs: int | None = None,
    minutes: float | None = None,
    weights: Mapping[str, float] | None = None,
    variety: float = VARIETY,
    rules: Rules = NO_RULES,
) -> list[Listed]:
    """The seeds, then songs by maximal marginal relevance.

    Args:
        index: whose songs it is made of.
        taste: see `Taste`.
        songs: its length, seeds included; 20 where neither length is given. Fewer come from too small an index.
        minutes: its length; the last song stays if the list is nearer to it with that song than without. Songs of
            unknown length are left out.
        weights: condition, or `whole` -> weight, at least 0; None weighs each sub-space 1.
        variety: 0, only what is most alike, to 1, only what differs from the songs before.
        rules: what the songs must be; the seeds count in its limits.

    Raises:
        UserError: on unusable weights, lengths or variety, no seed and no like, or tracks without the columns needed.
    """
    if not 0 <= variety <= 1:
        raise UserError(f"variety is {variety}; give a number from 0 to 1")
    points, query, length = Points.weighed(index, weights), taste.query(index), _Length.of(index, songs, minutes)
    own = [index.position(track_id) for track_id in query.sources]
    allowed = rules.allowed(index.table, own)
    if minutes is not None:
        allowed &= index.table.where(SECONDS, lambda cell: _seconds(cell) > 0)
    limits, listed = Limits(index.table, rules), []
    for seed in taste.seeds:
        track = index.tracks[index.position(seed.sources[0])] if seed.sources else None
        listed.append(Listed(track, 1.0, 0.0))
        length.add(track)
        if track is not None:
            limits.count(index.position(track["id"]))
    if length.full:
        raise UserError(f"the {len(listed)} seeds alone fill {length}; ask for more, or give fewer seeds")
    listed_vectors = [seed.vector for seed in taste.seeds]
    asked, chosen = points.of_query(query), np.zeros((0, points.of_query(query).size), np.float32)
    while allowed.any() and not length.full:
        (rows,) = index.candidates([Asked(query, points.weights, allowed)], max(CANDIDATES, 4 * (songs or 0)))
        pool = points.of_rows(rows)
        likeness = pool @ asked
        nearest = (pool @ chosen.T).max(axis=1) if len(chosen) else np.zeros(len(rows), np.float32)
        vectors = index.vectors[rows]
        left, copied = np.ones(len(rows), bool), np.zeros(len(rows), bool)
        if listed_vectors:
            copied = copies(index, vectors, np.stack(listed_vectors)).any(axis=1)
        while left.any() and not length.full:
            values = np.where(left, (1 - variety) * likeness - variety * nearest - _COPIED * copied, -np.inf)
            best = int(np.argmax(values))
            left[best] = False
            if not limits.take(int(rows[best])):
                continue
            track = index.tracks[int(rows[best])]
            if not length.add(track):
                break
            listed.append(Listed(track, float(likeness[best]), float(nearest[best])))
            listed_vectors.append(vectors[best])
            copied |= copies(index, vectors, vectors[best : best + 1])[:, 0]
            like_it = pool @ pool[best]
            nearest = np.maximum(nearest, like_it) if len(chosen) else like_it
            chosen = np.concatenate([chosen, pool[best : best + 1]])
        allowed[rows] = False
        # Where limits keep most of the nearest songs out, those of other artists come from further away.
        allowed &= ~limits.spent()
    return listed


@dataclasses.dataclass
class _Length:
    """Counts songs or seconds up to what is wanted."""

    songs: int | None
    wanted: float | None
    count: int = 0
    seconds: float = 0.0
    full: bool = False

    @classmethod
    def of(cls, index: Index, songs: int | None, minutes: float | None) -> "_Length":
        if songs is not None and minutes is not None:
            raise UserError("give the playlist's length in songs or in minutes, not both")
        if minutes is None:
            songs = SONGS if songs is None else songs
            if not 1 <= songs <= MOST_SONGS:
                raise UserError(f"songs is {songs}; a playlist has 1 to {MOST_SONGS}")
            return cls(songs, None)
        if not 0 < minutes <= MOST_SONGS * 60:
            raise UserError(f"minutes is {minutes}; give a number above 0")
        if SECONDS not in index.table.columns:
            raise UserError(
                f"this index knows no lengths (it has no column '{SECONDS}', as a library has); give songs, not minutes"
            )
        return cls(None, minutes * 60)

    def add(self, track: Mapping[str, str] | None) -> bool:
        """Counts a song; False if the list is nearer to its length without it."""
        if self.wanted is None:
            self.count += 1
            self.full = self.count >= (self.songs or 0)
            return True
        after = self.seconds + max(0.0, _seconds(track.get(SECONDS, "") if track else ""))
        self.full = after >= self.wanted
        if self.full and after - self.wanted > self.wanted - self.seconds:
            return False
        self.seconds = after
        return True

    def __str__(self) -> str:
        return f"{self.songs} songs" if self.wanted is None else f"{self.wanted / 60:g} minutes"


def _seconds(cell: str) -> float:
    try:
        seconds = float(cell)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
