"""What every request must pass before the page answers it, and the headers that every answer carries."""

import hmac
import http.cookies
import ipaddress
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing but our own files runs, however a title is spelled; sounds and pictures may also be made in the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
API = "/api/"  # what a token guards: the page's own files and the documentation say nothing of anybody's music
EMBED_PATH = "/api/v1/embed"
MOST_QUESTION = 1 << 20  # bytes of a question; files have limits of their own

_HOST = re.compile(r"(?:([a-z0-9._-]+)|\[([0-9a-f:.]+)\])(?::[0-9]{1,5})?")
_Refusal = tuple[int, str]  # status and reason


class Guard:
    """ASGI middleware: refuses other sites' requests, names that are not this server's, and who lacks the token.

    A site whose name was made to point here (DNS rebinding) sends that name as `Host`: names other than
    `localhost` and the one given are refused; numbers cannot be rebound. A request that another site's page
    sends carries that site as `Origin`, or says so in `Sec-Fetch-Site`.

    Args:
        app: what is guarded.
        host: name or number the server was told to listen on.
        token: asked for below `API`, as `Authorization: Bearer TOKEN` or as the cookie; empty asks for none.
    """

    def __init__(self, app: ASGIApp, host: str, token: str = ""):
        self._app, self._host, self._token = app, host.lower(), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
            return
        status, problem = refusal
        asks = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        await JSONResponse({"error": problem}, status, asks)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> _Refusal | None:
        return self._stranger(headers) or self._without_token(scope, headers) or _too_long(scope, headers)

    def _stranger(self, headers: Headers) -> _Refusal | None:
        host = headers.get("host", "")
        name = _name(host)
        if not (name in ("localhost", self._host) or _is_number(name)):
            return 403, "this server does not answer to that name; use the address that it printed"
        # Both are sent by browsers alone; a program that sends neither is no page of another site.
        origin, fetched = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if (origin is not None and origin != f"http://{host}") or fetched not in ("none", "same-origin"):
            return 403, "this server answers its own page only"
        return None

    def _without_token(self, scope: Scope, headers: Headers) -> _Refusal | None:
        if not self._token or not scope["path"].startswith(API):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = _cookies(headers).get(cookie_name(scope), "")
        # In constant time: how long a comparison takes would tell how much of a guess is right.
        if hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        return 401, "this server asks for a token; open the address that it printed, which ends in the token"


def cookie_name(scope: Scope) -> str:
    """Name of the cookie that holds the token: a browser sends cookies to every port of a host."""
    return f"dmml_{(scope.get('server') or ('', 0))[1]}"


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from this machine alone."""
    return host.lower() == "localhost" or (_is_number(host) and ipaddress.ip_address(host).is_loopback)


def _too_long(scope: Scope, headers: Headers) -> _Refusal | None:
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"] == EMBED_PATH:
        return None
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        return 411, "a question says its length"
    if len(length) > len(str(MOST_QUESTION)) or int(length) > MOST_QUESTION:
        return 413, f"a question has at most {MOST_QUESTION >> 20} MiB"
    return None


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in http.cookies.SimpleCookie(headers.get("cookie", "")).items()}
    except http.cookies.CookieError:
        return {}


def _name(host: str) -> str:
    """`localhost` of `localhost:8765`, `::1` of `[::1]:8765`; empty where it is malformed."""
    found = _HOST.fullmatch(host.lower())
    return (found[1] or found[2]) if found else ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
