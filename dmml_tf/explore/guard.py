"""What every request must pass before the page answers it, and the headers that every answer carries."""

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

_HOST = re.compile(r"(?:([a-z0-9._-]+)|\[([0-9a-f:.]+)\])(?::[0-9]{1,5})?")


class Guard:
    """ASGI middleware: refuses other sites' requests and names that are not this server's.

    A site whose name was made to point here (DNS rebinding) sends that name as `Host`: names other than
    `localhost` and the one given are refused; numbers cannot be rebound. A request that another site's page
    sends carries that site as `Origin`, or says so in `Sec-Fetch-Site`.

    Args:
        app: what is guarded.
        host: name or number the server was told to listen on.
    """

    def __init__(self, app: ASGIApp, host: str):
        self._app, self._host = app, host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        problem = self._problem(Headers(scope=scope))
        app = self._app if problem is None else JSONResponse({"error": problem}, 403)
        await app(scope, receive, send_with_headers)

    def _problem(self, headers: Headers) -> str | None:
        host = headers.get("host", "")
        name = _name(host)
        if not (name in ("localhost", self._host) or _is_number(name)):
            return "this server does not answer to that name; use the address that it printed"
        # Both are sent by browsers alone; a program that sends neither is no page of another site.
        origin, fetched = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if (origin is not None and origin != f"http://{host}") or fetched not in ("none", "same-origin"):
            return "this server answers its own page only"
        return None


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
