"""The page on which people judge, as an application of its own or as a page of the explorer."""

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from dmml_tf.explore.app import STATIC, errors_in_one_line
from dmml_tf.explore.guard import Guard
from dmml_tf.explore.routes import session_route
from dmml_tf.judge.routes import judge_routes
from dmml_tf.judge.sessions import Sessions

PAGE = "judge.html"


def create_app(sessions: Sessions, host: str = "127.0.0.1", token: str = "") -> FastAPI:
    """The application that `dmml judge` serves, behind the explorer's guards.

    Args:
        sessions: what it asks.
        host, token: as of `dmml_tf.explore.app.create_app`.
    """
    app = FastAPI(title="dmml judge", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(Guard, host=host, token=token)
    errors_in_one_line(app)
    router = APIRouter(prefix="/api/v1")
    session_route(router, token)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    add_page(app, sessions, "/")
    return app


def add_page(app: FastAPI, sessions: Sessions, path: str = "/judge") -> None:
    """Adds the page and what it calls to an application, such as the explorer's, which then links to it."""
    app.include_router(judge_routes(sessions))
    app.get(path, include_in_schema=False)(lambda: FileResponse(STATIC / PAGE))
    app.state.judge = path
