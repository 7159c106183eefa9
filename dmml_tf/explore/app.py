"""The explorer's web application. Songs are named by their row in the index, never by a path."""

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi import Path as InPath
from fastapi import Query as InQuery
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dmml_tf.explore.ask import Asked, Slot, answer, require_row
from dmml_tf.explore.guard import Guard
from dmml_tf.explore.library import MEDIA_TYPES, Library
from dmml_tf.explore.maps import FOLDER, Maps
from dmml_tf.explore.uploads import MOST_BYTES, Busy, Sounds, TooLarge
from tfrecords_tools.errors import UserError

STATIC = Path(__file__).with_name("static")
MOST_RESULTS = 50
# A row, or the token of an upload.
_Slot = Annotated[str | None, InQuery(pattern="^([0-9]{1,9}|[0-9a-f]{32})$")]
_Row = Annotated[int, InPath(ge=0, le=10**9)]


def create_app(library: Library, host: str = "127.0.0.1") -> FastAPI:
    """The application.

    Args:
        library: what it shows.
        host: name or number that it is reached by, besides localhost and any number (see `Guard`).
    """
    # No pages of documentation: they would fetch from elsewhere.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, host=host)
    _errors_in_one_line(app)
    maps, sounds = Maps(library.index, library.run.folder / FOLDER), Sounds(library.run)
    _metadata_routes(app, library, maps)
    _sound_routes(app, library, sounds)
    _search_route(app, library, maps, sounds)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.get("/")(lambda: FileResponse(STATIC / "index.html"))
    return app


def _metadata_routes(app: FastAPI, library: Library, maps: Maps) -> None:
    names = library.index.names
    columns = {condition.name: condition.column for condition in library.index.conditions}

    @app.get("/api/run")
    def about() -> dict:
        parts = [{"name": name, "column": columns.get(name), "owning": name in library.index.slices} for name in names]
        return {
            "run": library.run.folder.name,
            "parts": parts,
            "tracks": len(library.index.tracks),
            "example": library.example,
            "most_bytes": MOST_BYTES,
        }

    @app.get("/api/songs")
    def songs(
        text: Annotated[str, InQuery(max_length=200)] = "", count: Annotated[int, InQuery(ge=1, le=100)] = 40
    ) -> list[dict]:
        return [library.song(row) for row in library.find(text, count)]

    @app.get("/api/song")
    def song(id: Annotated[str, InQuery(max_length=1000)]) -> dict:
        return library.song(library.index.position(id))

    @app.get("/api/songs/{row}")
    def song_of_row(row: _Row) -> dict:
        require_row(library, row)
        return library.song(row)

    @app.get("/api/map/{number}")
    def sub_space(number: Annotated[int, InPath(ge=0, lt=len(names))]) -> dict:
        return maps.describe(names[number])


def _sound_routes(app: FastAPI, library: Library, sounds: Sounds) -> None:
    @app.get("/api/audio/{row}")
    def audio(row: _Row) -> FileResponse:
        require_row(library, row)
        path = library.sound(row)
        if path is None:
            raise HTTPException(404, "this song's audio is out of reach")
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix.lower()])

    # The file is the body itself: its name is never sent.
    @app.post("/api/sound")
    async def sound(request: Request) -> dict:
        length = request.headers.get("content-length", "0")
        token = await sounds.add(request.stream(), int(length) if length.isdecimal() else 0)
        vector = sounds.query(token).vector
        return {"token": token, "mark": library.marks.mark(vector), "heard": library.heard(vector)}


def _search_route(app: FastAPI, library: Library, maps: Maps, sounds: Sounds) -> None:
    def slot(text: str) -> Slot:
        return Slot(sounds.query(text)) if len(text) == 32 else Slot.of_row(library, int(text))

    @app.get("/api/search")
    def search(
        weight: Annotated[list[float], InQuery(max_length=1000)],
        side: Annotated[list[str], InQuery(max_length=1000)],
        a: _Slot = None,
        b: _Slot = None,
        count: Annotated[int, InQuery(ge=1, le=MOST_RESULTS)] = 10,
        not_its_artist: bool = False,
    ) -> dict:
        slots = {name: slot(text) for name, text in (("a", a), ("b", b)) if text is not None}
        return answer(library, maps, Asked(slots, side, weight, count, not_its_artist))


def _errors_in_one_line(app: FastAPI) -> None:
    statuses = {TooLarge: 413, Busy: 503}

    @app.exception_handler(UserError)
    def bad_input(_: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"error": " ".join(str(error).split())}, statuses.get(type(error), 400))

    @app.exception_handler(RequestValidationError)
    def bad_value(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"][1:])
        return JSONResponse({"error": " ".join(f"{where}: {first['msg']}".split())}, 422)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)
