"""What is asked of the API -> a search of the index -> what the page shows."""

import dataclasses
from collections.abc import Mapping

from dmml_tf.explore.maps import Maps
from dmml_tf.explore.schemas import Answer, AskedBy, Near, PathQuestion, PlaylistQuestion, Ref, Result, Search, Song
from dmml_tf.explore.songs import Songs
from dmml_tf.explore.uploads import Sounds
from dmml_tf.search.example import agree
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Hit, Index, Query
from dmml_tf.search.query import by_tracks, mix, push_away
from dmml_tf.search.rules import Rules
from dmml_tf.search.show import seems_copy
from tfrecords_tools.errors import UserError

Track = Mapping[str, str]  # a row of metadata


@dataclasses.dataclass(frozen=True)
class Example:
    """A song asked by: a query, and its row of metadata if it is in the index."""

    query: Query
    track: Track | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Asker:
    """Answers questions.

    Attributes:
        songs: what is searched.
        maps: say where songs lie.
        sounds: the files that were embedded.
    """

    songs: Songs
    maps: Maps
    sounds: Sounds

    def row(self, ref: Ref) -> int:
        """Row of a song; `UserError` if the index does not have it."""
        if isinstance(ref, str):
            return self.songs.index.position(ref)
        if ref >= len(self.songs.index.tracks):
            raise UserError(f"no song {ref}; there are {len(self.songs.index.tracks)}, counted from 0")
        return ref

    def example(self, ref: Ref) -> Example:
        """A song to ask by; `UserError` if it is neither in the index nor a file that was embedded."""
        # An id may look like a token, a token is never guessed: the index comes first.
        if isinstance(ref, str) and self.songs.index.row(ref) is None and self.sounds.is_token(ref):
            return Example(self.sounds.query(ref))
        track = self.songs.index.tracks[self.row(ref)]
        return Example(by_tracks(self.songs.index, [track["id"]]), track)

    def search(self, asked: Search) -> Answer:
        """The index's own answer, and where it lies on the maps.

        Raises:
            UserError: if nothing is asked by, a song is not known, or as `Index.search`.
        """
        index = self.songs.index
        like = None if asked.like is None else self.example(asked.like)
        parts = {name: self.example(ref) for name, ref in asked.parts.items()}
        rules = rules_of(asked)
        weights = asked.weights if asked.weights is not None or like is None else dict.fromkeys(index.slices, 1.0)
        searched = self.songs.searched(demand.column for demand in rules.filters)
        hits = searched.search(self._query(asked, like, parts), weights, asked.count, rules)
        by = dict.fromkeys(index.names, like) | parts
        shown = [self._result(rank, hit, by) for rank, hit in enumerate(hits, 1)]
        refs = [ref for ref in (asked.like, *asked.parts.values(), *asked.unlike) if ref is not None]
        return Answer(hits=shown, asked=[self.asked_by(ref) for ref in dict.fromkeys(refs)])

    def asked_by(self, ref: Ref) -> AskedBy:
        """A song asked by, and where it lies."""
        return AskedBy(song=ref, near=self.maps.near(self.example(ref).query))

    def near(self, row: int) -> Near:
        """Where a song of the index lies on each map."""
        place = self.maps.place(row)
        if place is not None:
            return [[(place, 1.0)]] * len(self.songs.index.names)
        return self.maps.near(self.example(row).query)

    def _query(self, asked: Search, like: Example | None, parts: Mapping[str, Example]) -> Query:
        index, queries = self.songs.index, {name: example.query for name, example in parts.items()}
        if like is None and not parts:
            raise UserError("nothing to search by; give `like`, a song, or `parts`, condition -> song")
        if like is None or parts:
            base = {} if like is None else dict.fromkeys(index.names, like.query)
            query = mix(index, base | queries)
        else:
            query = like.query
        for ref in asked.unlike:
            query = push_away(index, query, self.example(ref).query)
        return query

    def _result(self, rank: int, hit: Hit, by: Mapping[str, Example | None]) -> Result:
        index = self.songs.index
        row = index.position(hit.track["id"])
        return Result(
            **self.songs.song(row),
            rank=rank,
            score=hit.score,
            cosines=dict(hit.cosines),
            seems_copy=seems_copy(hit),
            agrees=agreeing(index, {name: example.track for name, example in by.items() if example}, hit.track),
            near=self.near(row),
        )


def rules_of(asked: Search | PathQuestion | PlaylistQuestion) -> Rules:
    """What results must be; `UserError` on a filter that is none."""
    return Rules(
        filters=[parse_filter(text) for text in asked.filters],
        not_its_artist=asked.not_its_artist,
        not_its_album=asked.not_its_album,
        most_per_artist=asked.most_per_artist,
        most_per_album=asked.most_per_album,
    )


def agreeing(index: Index, by: Mapping[str, Track | None], track: Track) -> list[str]:
    """Conditions whose label of a track agrees with that of the track it was asked by in that condition, if any."""
    return [
        condition.name
        for condition in index.conditions
        if (other := by.get(condition.name)) is not None and agree(condition, other, track)
    ]


def song_data(songs: Songs, row: int) -> Song:
    """A song as the API gives it."""
    return Song(**songs.song(row))
