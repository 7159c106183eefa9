"""The API's routes: each reads what it is asked and hands it on."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi import Query as InQuery
from fastapi.responses import FileResponse
from fastapi.security import HTTPBearer

from dmml_tf.explore.ask import Asker, song_data
from dmml_tf.explore.audio_files import MEDIA_TYPES
from dmml_tf.explore.columns import NUMBERS, ValueColumn, kind_of
from dmml_tf.explore.guard import cookie_name
from dmml_tf.explore.schemas import (
    MOST_TEXT,
    About,
    Answer,
    Column,
    Embedded,
    Part,
    PathAnswer,
    PathQuestion,
    Playlist,
    PlaylistAnswer,
    PlaylistQuestion,
    Problem,
    Search,
    Song,
    Value,
)
from dmml_tf.explore.sequences import path_answer, playlist_answer
from dmml_tf.explore.uploads import MOST_BYTES

_Row = Annotated[int, InPath(ge=0, le=10**9)]
_Text = Annotated[str, InQuery(max_length=200, description="words that all occur, in any case, accents aside")]
_AUDIO: Any = {200: {"content": {"audio/*": {}}, "description": "the file, or the range of it that is asked for"}}
_M3U8_TYPE = "application/vnd.apple.mpegurl"
_M3U8: Any = {200: {"content": {_M3U8_TYPE: {}}, "description": "the playlist"}}
_BODY: Any = {"requestBody": {"content": {"application/octet-stream": {"schema": {"format": "binary"}}}}}


def api(asker: Asker, token: str) -> APIRouter:
    """All routes below `/api/v1`.

    Args:
        asker: answers.
        token: that `Guard` asks for, which a session's cookie then holds.
    """
    # `HTTPBearer` only documents what `Guard` has asked for by then.
    router = APIRouter(
        prefix="/api/v1",
        dependencies=[Depends(HTTPBearer(auto_error=False))],
        responses={"4XX": {"model": Problem, "description": "one line that says why"}},
    )
    session_route(router, token)
    _song_routes(router, asker)
    _audio_routes(router, asker)
    _search_routes(router, asker)
    return router


def session_route(router: APIRouter, token: str) -> None:
    """Adds the route that makes the token that `Guard` asks for a cookie."""

    @router.post("/session")
    def session(request: Request, response: Response) -> dict[str, str]:
        """Lets a page go on by a cookie, since a player sends no header; programs do not need it."""
        if token:
            response.set_cookie(cookie_name(request.scope), token, httponly=True, samesite="strict")
        return {}


def _song_routes(router: APIRouter, asker: Asker) -> None:
    songs, names = asker.songs, asker.songs.index.names
    columns = {condition.name: condition.column for condition in songs.index.conditions}

    @router.get("/about")
    def about(request: Request) -> About:
        """What this server has."""
        parts = [Part(name=name, column=columns.get(name), owning=name in songs.index.slices) for name in names]
        return About(
            name=songs.name,
            tracks=len(songs.index.tracks),
            parts=parts,
            example=songs.example,
            albums="album" in songs.index.tracks[0],
            heard=songs.only_heard,
            most_bytes=MOST_BYTES,
            judge=getattr(request.app.state, "judge", ""),
        )

    @router.get("/songs")
    def find_songs(text: _Text = "", count: Annotated[int, InQuery(ge=1, le=100)] = 40) -> list[Song]:
        """Songs by words of their title, artist, album, labels or path."""
        return [song_data(songs, row) for row in songs.find(text, count)]

    @router.get("/song")
    def song_by_id(id: Annotated[str, InQuery(max_length=MOST_TEXT)]) -> Song:
        """One song by its id."""
        return song_data(songs, asker.row(id))

    @router.get("/songs/{row}")
    def song_by_row(row: _Row) -> Song:
        """One song by its row."""
        return song_data(songs, asker.row(row))

    @router.get("/filters")
    def filters() -> list[Column]:
        """What songs can be filtered by."""
        return [_column(column) for column in songs.columns.values()]

    @router.get("/values")
    def values(
        column: Annotated[str, InQuery(max_length=MOST_TEXT)],
        text: Annotated[str, InQuery(max_length=200, description="that the values contain")] = "",
        count: Annotated[int, InQuery(ge=1, le=100)] = 30,
    ) -> list[Value]:
        """The most frequent values of a column."""
        if column not in songs.columns:
            raise HTTPException(404, f"no column '{column}' to filter by; there are: {', '.join(songs.columns)}")
        frequent = songs.columns[column].most_frequent(text, count)
        return [Value(value=value, songs=number) for value, number in frequent]

    @router.get("/map")
    def map_of(part: Annotated[str, InQuery(max_length=MOST_TEXT)]) -> dict[str, Any]:
        """A map of some songs: `points` of `[row, x, y, group]`, their `titles`, `of` how many, and `legend`."""
        if part not in names:
            raise HTTPException(404, f"no part '{part}'; there are: {', '.join(names)}")
        return asker.maps.describe(part)


def _column(column: ValueColumn) -> Column:
    holds = kind_of(column)
    low, high = column.bounds if holds == NUMBERS and column.bounds else (None, None)
    return Column(name=column.name, kind=holds, low=low, high=high)


def _audio_routes(router: APIRouter, asker: Asker) -> None:
    @router.get("/songs/{row}/audio", responses=_AUDIO, response_class=FileResponse)
    def audio(row: _Row) -> FileResponse:
        """A song's file, for a player."""
        path = asker.songs.sound(asker.row(row))
        if path is None:
            raise HTTPException(404, "this song's audio is out of reach")
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix.lower()])

    # The file is the body itself: its name is never sent.
    @router.post("/embed", openapi_extra=_BODY)
    async def embed(request: Request) -> Embedded:
        """Listens to an audio file, the body: its first 10 minutes; the file itself is not kept."""
        length = request.headers.get("content-length", "0")
        announced = int(length) if length.isdecimal() and len(length) < 16 else 0
        token = await asker.sounds.add(request.stream(), announced)
        vector = asker.sounds.query(token).vector
        return Embedded(
            token=token,
            vector=vector.tolist(),
            heard=asker.songs.heard(vector),
            mark=asker.songs.marks.mark(vector),
        )


def _search_routes(router: APIRouter, asker: Asker) -> None:
    @router.post("/m3u8", response_class=Response, responses=_M3U8)
    def m3u8(asked: Playlist) -> Response:
        """A playlist file of some songs, with paths relative to the folder of the music, where it belongs."""
        content = asker.songs.m3u8([asker.row(song) for song in asked.songs])
        return Response(content, media_type=_M3U8_TYPE)

    @router.post("/search")
    def search(asked: Search) -> Answer:
        """The songs that are most alike, by the weights that are asked for."""
        return asker.search(asked)

    @router.post("/path")
    def path(asked: PathQuestion) -> PathAnswer:
        """Songs that lead evenly from one to another, each close to the one before."""
        return path_answer(asker, asked)

    @router.post("/playlist")
    def playlist(asked: PlaylistQuestion) -> PlaylistAnswer:
        """Songs that are like some and unlike others, and not too like each other."""
        return playlist_answer(asker, asked)
