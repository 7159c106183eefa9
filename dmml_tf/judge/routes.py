"""The page's routes: each reads what it is asked and hands it on."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from dmml_tf.judge.sessions import Sessions

_WAV: Any = {200: {"content": {"audio/wav": {}}, "description": "3 s, as loud as the others of its question"}}
_Count = Annotated[int, Field(ge=0, le=10_000)]
_GONE = "this question was answered, or waited too long; ask for the next one"


class Listener(BaseModel):
    """Who listens.

    Attributes:
        listener: a code that one makes up, no name.
    """

    model_config = ConfigDict(extra="forbid")

    listener: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")]


class Next(BaseModel):
    """What is heard next.

    Attributes:
        showing: names it; empty where all is answered.
        number, of: how many this is of how many.
        clips: addresses of the first clip, of A and of B.
    """

    showing: str = ""
    number: int = 0
    of: int = 0
    clips: list[str] = []


class Vote(BaseModel):
    """An answer to "which is more like the first?".

    Attributes:
        showing: what is answered.
        answer: `a`, `b`, `same`, or `neither`: it cannot be told.
        plays: how often the first clip, A and B were played.
    """

    model_config = ConfigDict(extra="forbid")

    showing: Annotated[str, Field(max_length=40)]
    answer: Literal["a", "b", "same", "neither"]
    plays: Annotated[list[_Count], Field(min_length=3, max_length=3)] = [0, 0, 0]


def judge_routes(sessions: Sessions) -> APIRouter:
    """The routes below `/api/v1/judge`."""
    router = APIRouter(prefix="/api/v1/judge")

    @router.post("/next")
    def next_showing(asked: Listener) -> Next:
        """Three clips that wait for a listener's answer."""
        showing = sessions.next(asked.listener)
        if showing is None:
            return Next()
        clips = [f"/judge/clips/{showing.token}/{place}" for place in range(3)]
        return Next(showing=showing.token, number=showing.number, of=showing.of, clips=clips)

    @router.get("/clips/{showing}/{place}", responses=_WAV, response_class=Response)
    def clip(showing: str, place: Annotated[int, InPath(ge=0, le=2)]) -> Response:
        """A clip's sound."""
        try:
            return Response(sessions.sound(showing, place), media_type="audio/wav")
        except KeyError:
            raise HTTPException(404, _GONE) from None

    @router.post("/votes")
    def vote(asked: Vote) -> dict[str, str]:
        """Takes an answer, which is on the disk when this is answered."""
        try:
            sessions.vote(asked.showing, asked.answer, asked.plays)
        except KeyError:
            raise HTTPException(404, _GONE) from None
        return {}

    return router
