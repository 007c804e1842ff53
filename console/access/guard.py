"""The guard before every request: the right host, the same origin, and a session.

Loopback is not the same user: every program of this machine can open the port. So nothing but the
login page is given out without a session, no picture and no stylesheet either. The token in the
console's address opens one, and a page of another site can neither read it nor send the cookie.
Requests that change something and websockets carry an `Origin`, which must be the console's own; a
console without a password answers to this machine's names alone, so that no foreign name can be
pointed at it.
"""

from __future__ import annotations

from html import escape
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access.sessions import Sessions

LOGIN = "/login"
TOKEN = "token"  # noqa: S105 - the name of a field
_MOST_WEBSOCKETS = 200
"""One for each open page."""
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
    """ASGI middleware around the whole console."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._websockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._answer(scope)
        if scope["type"] == "websocket":
            if answer is None and self._websockets < _MOST_WEBSOCKETS:
                await self._hold(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
        elif answer is None:
            await self._app(scope, receive, _hardened(send))
        else:
            await answer(scope, receive, _hardened(send))

    async def _hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._websockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets -= 1

    def _answer(self, scope: Scope) -> Response | None:
        """What is said in the pages' place; None lets the request in."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._sessions.takes_password and not is_this_machine(host):
            return PlainTextResponse("This console answers to this machine alone.\n", 421)
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        origin = headers.get("origin")
        if (changes or origin) and not _is_own(origin, host):
            return PlainTextResponse("This request comes from another site.\n", 403)
        if scope["path"] == LOGIN:
            return None
        if not changes and (entrance := self._by_token(scope)) is not None:
            return entrance
        cookies = cookie_parser(headers.get("cookie", ""))
        if self._sessions.find(cookies.get(self._sessions.cookie)) is not None:
            return None
        if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("Open the console's address with its token first.\n", 401)

    def _by_token(self, scope: Scope) -> Response | None:
        """A session for whoever shows the token, and the way to the page without it.

        A browser that comes from elsewhere, as from the file that leads here, does not send a
        strict cookie along when it is redirected. It does when a page of the console sends it on.
        """
        try:
            fields = parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=20)
        except ValueError:
            return None
        if not any(name == TOKEN and self._sessions.knows(value) for name, value in fields):
            return None
        others = urlencode([(name, value) for name, value in fields if name != TOKEN])
        path = "/" + quote(scope["path"].lstrip("/"))
        target = escape(f"{path}?{others}" if others else path)
        response = HTMLResponse(
            f'<!doctype html><title>Scrapline</title><meta http-equiv="refresh" '
            f'content="0;url={target}"><a href="{target}">Go on</a>',
            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )
        response.set_cookie(
            self._sessions.cookie, self._sessions.open_by_token(), httponly=True, samesite="strict"
        )
        return response


def _is_own(origin: str | None, host: str) -> bool:
    try:
        return origin is not None and urlsplit(origin).netloc == host
    except ValueError:
        return False


def is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine by a loopback address or `localhost`."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
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
