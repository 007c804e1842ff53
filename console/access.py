"""The guard before every request: the right host, the same origin, and a session where one is due.

A page of another site must not be able to reach the console through a visitor's browser. Requests
that change something and websockets carry an `Origin`, which must be the console's own; a console
without a password answers to this machine's names alone, so that no foreign name can be pointed
at it.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.sessions import COOKIE, Sessions

LOGIN = "/login"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    # Vue compiles the templates of NiceGUI's elements in the browser, hence unsafe-eval.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware around the whole console. `open_prefixes`: paths that need no session."""

    def __init__(self, app: ASGIApp, sessions: Sessions, open_prefixes: tuple[str, ...]) -> None:
        self._app = app
        self._sessions = sessions
        self._open = (LOGIN, *open_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _hardened(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, _hardened(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._sessions.needs_login and not is_this_machine(host):
            return PlainTextResponse("This console answers to this machine alone.\n", 421)
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        origin = headers.get("origin")
        if (changes or origin) and (origin is None or urlsplit(origin).netloc != host):
            return PlainTextResponse("This request comes from another site.\n", 403)
        if not self._sessions.needs_login or self._is_open(scope["path"]):
            return None
        cookies = cookie_parser(headers.get("cookie", ""))
        if self._sessions.name(cookies.get(COOKIE)) is not None:
            return None
        if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("Log in first.\n", 401)

    def _is_open(self, path: str) -> bool:
        return any(path == p or path.startswith(f"{p}/") for p in self._open)


def is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine by a loopback address or `localhost`."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _hardened(send: Send) -> Send:
    async def send_hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_hardened
