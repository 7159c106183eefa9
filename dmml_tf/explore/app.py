"""The explorer's web application: the page, its API below `/api/v1`, and the API's documentation.

No file is ever named by a path of the client's: songs are named by row or id of the index, files by tokens.
"""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dmml_tf.explore.ask import Asker
from dmml_tf.explore.guard import Guard
from dmml_tf.explore.maps import FOLDER, Maps
from dmml_tf.explore.routes import api
from dmml_tf.explore.songs import Songs
from dmml_tf.explore.uploads import Busy, Sounds, TooLarge
from tfrecords_tools.errors import UserError

STATIC = Path(__file__).with_name("static")
_ABOUT = (
    "What the page calls. Answers are JSON; a problem is one line, `error`, with a status of 400 or above. "
    "Where the server was started for other machines, send its token as `Authorization: Bearer TOKEN`."
)


def create_app(songs: Songs, host: str = "127.0.0.1", token: str = "") -> FastAPI:
    """The application.

    Args:
        songs: what it shows.
        host: name or number that it is reached by, besides localhost and any number (see `Guard`).
        token: that the API asks for; empty asks for none.
    """
    # FastAPI's own pages of documentation would fetch from elsewhere; `docs.html` reads the same description.
    app = FastAPI(title="dmml explorer", version="1", description=_ABOUT, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, host=host, token=token)
    errors_in_one_line(app)
    asker = Asker(songs, Maps(songs.index, songs.folder / FOLDER, heard_as=songs.heard_as), Sounds(songs.run))
    app.include_router(api(asker, token))
    app.mount("/static", StaticFiles(directory=STATIC))
    for path, name in (("/", "index.html"), ("/docs", "docs.html")):
        app.get(path, include_in_schema=False)(lambda name=name: FileResponse(STATIC / name))
    return app


def errors_in_one_line(app: FastAPI) -> None:
    """What is refused is answered as `{"error": "one line"}`, with a status that says whose fault it is."""
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
