"""What the API takes and gives, as `/openapi.json` documents it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

MOST_RESULTS = 100
MOST_TEXT = 1000  # characters of an id, a filter, a name

Text = Annotated[str, Field(max_length=MOST_TEXT)]
Ref = Annotated[
    Annotated[StrictInt, Field(ge=0, le=10**9)] | Text,
    Field(description="a song: its row in the index, its id, or the token that `embed` gave for a file"),
]
Refs = Annotated[list[Ref], Field(max_length=100)]
Weights = Annotated[
    dict[Text, float] | None,
    Field(description="condition, or `whole` -> how much it counts; those left out count 0; null: each sub-space 1"),
]
# `[place, share]`: of the songs on a map, and how much of the place is that song's; the shares add up to 1.
Near = list[list[tuple[int, float]] | None]
Mark = list[tuple[int, list[int]]]


class Part(BaseModel):
    """What can be weighed.

    Attributes:
        name: of the condition, or `whole`.
        column: whose labels belong to it, if any do.
        owning: whether it has a sub-space of its own.
    """

    name: str
    column: str | None
    owning: bool


class About(BaseModel):
    """What this server has.

    Attributes:
        name: of the run or library.
        tracks: how many songs.
        parts: what can be weighed.
        example: row of a song to begin with.
        albums: whether it knows the songs' albums.
        heard: whether the songs have no labels, so that what is heard in them stands for these.
        most_bytes: of a file for `embed`.
        judge: address of the page on which people judge; empty where there is none.
    """

    name: str
    tracks: int
    parts: list[Part]
    example: int
    albums: bool
    heard: bool
    most_bytes: int
    judge: str = ""


class Song(BaseModel):
    """A song of the index.

    Attributes:
        row: names the song in this API while the server runs.
        id: names it for good.
        title, artist, album, year: of its tags; empty where they are not known.
        seconds: its length; null where it is not known.
        labels: column -> what the table says.
        heard: condition -> the likeliest label that is heard, and its share; of songs without labels alone.
        player: whether `songs/{row}/audio` has a file that browsers play.
        mark: a ring a sub-space, hue and levels: the small picture of a song.
    """

    row: int
    id: str
    title: str
    artist: str
    album: str
    year: str
    seconds: float | None
    labels: dict[str, str]
    heard: dict[str, str]
    player: bool
    mark: Mark


class Column(BaseModel):
    """What songs can be filtered by.

    Attributes:
        name: `genre`; a filter is `genre=jazz`, `year=1990..1999`.
        kind: `text`, or `numbers`, of which a range is asked.
        low, high: the least and the greatest number; null of text.
    """

    name: str
    kind: str
    low: float | None
    high: float | None


class Value(BaseModel):
    """A value of a column.

    Attributes:
        value: a text, or one tag.
        songs: how many have it.
    """

    value: str
    songs: int


class Embedded(BaseModel):
    """A file as it was heard.

    Attributes:
        token: names it in later questions, until 32 newer files have come.
        vector: its search vector: the sub-spaces side by side, each at unit length.
        heard, mark: as of a song.
    """

    token: str
    vector: list[float]
    heard: dict[str, str]
    mark: Mark


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weights: Weights = None
    filters: Annotated[
        list[Text],
        Field(max_length=50, description="`genre=jazz`, `genre!=jazz`, `year=1990..1999`, `path!=Live/*`"),
    ] = []

    not_its_artist: bool = False
    not_its_album: bool = False
    most_per_artist: Annotated[int, Field(ge=1)] | None = None
    most_per_album: Annotated[int, Field(ge=1)] | None = None


class Search(_Question):
    """What is alike?

    Attributes:
        like: song that results shall be like; null where `parts` names them all.
        parts: condition -> song to take its sub-space from, in place of `like`.
        unlike: songs that results shall be far from.
        count: of results.
        not_its_artist, not_its_album: leave out those of the songs asked by.
        most_per_artist, most_per_album: so many songs of one at most; null sets no limit.
    """

    like: Ref | None = None
    parts: dict[Text, Ref] = {}
    unlike: Refs = []
    count: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 10


class Result(Song):
    """One result: a song and why it is one.

    Attributes:
        rank: from 1.
        score: sum of weight times cosine.
        cosines: condition -> cosine with what was asked by, in that sub-space.
        seems_copy: whether it is as what was asked by in every sub-space.
        agrees: conditions whose label agrees with that of the song asked by.
        near: where it lies on each map, in the order of `parts`: `[place, share]` of songs of the map.
    """

    rank: int
    score: float
    cosines: dict[str, float]
    seems_copy: bool
    agrees: list[str]
    near: Near


class AskedBy(BaseModel):
    """A song asked by.

    Attributes:
        song: as it was named.
        near: where it lies on each map, in the order of `parts`.
    """

    song: Ref
    near: Near


class Answer(BaseModel):
    """What is alike.

    Attributes:
        hits: best first.
        asked: what was asked by.
    """

    hits: list[Result]
    asked: list[AskedBy]


class PathQuestion(_Question):
    """What leads from one song to another?

    Attributes:
        start, end: the two songs.
        steps: from a song to the next; one more song than that.
        keep: conditions, of those that are not weighed, in which the songs between stay as the first one is.
        not_its_artist, not_its_album: leave out those of the two songs.
        most_per_artist, most_per_album: so many songs of one at most; null sets no limit.
    """

    start: Ref
    end: Ref
    steps: Annotated[int, Field(ge=1, le=100)] = 10
    keep: Annotated[list[Text], Field(max_length=100)] = []


class Stop(Song):
    """A song of a path.

    Attributes:
        rank: its place, from 1; an end that is a file has one too, and is not listed.
        step: distance from the song before in what is weighted: 0 the same sound, 1.41 nothing in common.
        progress: how far on the way it lies, from 0 to 1.
        cosines: condition -> cosine with the song before; empty of the first.
        agrees: conditions whose label agrees with that of the song before.
        near: where it lies on each map, in the order of `parts`: `[place, share]` of songs of the map.
    """

    rank: int
    step: float
    progress: float
    cosines: dict[str, float]
    agrees: list[str]
    near: Near


class PathAnswer(BaseModel):
    """The way from one song to another.

    Attributes:
        songs: in order, the two ends included where they are songs of the index.
        asked: the two ends.
        apart: distance from end to end.
        largest, mean: of the steps.
    """

    songs: list[Stop]
    asked: list[AskedBy]
    apart: float
    largest: float
    mean: float


class PlaylistQuestion(_Question):
    """What makes a list with these songs?

    Attributes:
        seeds: songs that it begins with; the others are like them.
        likes: songs that count as the seeds do, and are not in it.
        dislikes: songs that it is to be unlike.
        songs: its length, seeds included; 20 where neither length is given.
        minutes: its length, in place of `songs`.
        variety: 0, only what is most alike, to 1, only what differs from the songs before.
        not_its_artist, not_its_album: leave out those of the songs asked by.
        most_per_artist, most_per_album: so many songs of one at most, seeds included; null sets no limit.
    """

    seeds: Refs = []
    likes: Refs = []
    dislikes: Refs = []
    songs: Annotated[int, Field(ge=1, le=1000)] | None = None
    minutes: Annotated[float, Field(gt=0, le=60_000)] | None = None
    variety: Annotated[float, Field(ge=0, le=1)] = 0.3


class Listed(Song):
    """A song of a list.

    Attributes:
        rank: its place, from 1; a seed that is a file has one too, and is not listed.
        likeness: weighted mean cosine with what was asked for; 1 of a seed.
        nearest: the highest such mean with a song that was chosen before.
        cosines: condition -> cosine with what was asked for.
        agrees: always empty: there is no one song that it was asked by.
        near: where it lies on each map, in the order of `parts`: `[place, share]` of songs of the map.
    """

    rank: int
    likeness: float
    nearest: float
    cosines: dict[str, float]
    agrees: list[str] = []
    near: Near


class PlaylistAnswer(BaseModel):
    """A list of songs.

    Attributes:
        songs: in order.
        asked: the songs asked by.
    """

    songs: list[Listed]
    asked: list[AskedBy]


class Playlist(BaseModel):
    """Songs to save as a file of players: M3U in UTF-8.

    Attributes:
        songs: in order; those that no file is known of are left out.
    """

    model_config = ConfigDict(extra="forbid")

    songs: Annotated[list[Ref], Field(min_length=1, max_length=10_000)]


class Problem(BaseModel):
    """Why there is no answer.

    Attributes:
        error: one line.
    """

    error: str
