"""The page for whoever has no session: where the address with the token is, or the password."""

from __future__ import annotations

import asyncio
from html import escape
from string import Template
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from console.access.guard import LOGIN
from console.access.passwords import LoginTries
from console.access.sessions import LASTS_S, Sessions
from console.layout import STATIC
from console.site import tidy_name

_FORM_BYTES = 4096
_FORM_S = 10.0
_AT_ONCE = 2
"""Passwords looked at at once: each takes 32 MiB."""
_KNOWN_S = 365 * 24 * 3600
_PAGE = Template((STATIC / "login.html").read_text(encoding="utf-8"))
_FORM = Template((STATIC / "login_form.html").read_text(encoding="utf-8"))
# Nothing else is given out without a session, so the page brings its own looks.
_STYLE = (STATIC / "console.css").read_text(encoding="utf-8")


def add_login(app: FastAPI, sessions: Sessions, tries: LoginTries) -> None:
    """Serve the page and take what its form sends."""
    turns = asyncio.Semaphore(_AT_ONCE)

    def page(complaint: str = "", status: int = 200, name: str = "") -> HTMLResponse:
        form = ""
        if sessions.takes_password:
            form = _FORM.substitute(complaint=escape(complaint), name=escape(name))
        return HTMLResponse(
            _PAGE.substitute(style=_STYLE, form=form),
            status_code=status,
            headers={"Cache-Control": "no-store"},
        )

    @app.get(LOGIN)
    async def form() -> Response:
        return page()

    @app.post(LOGIN)
    async def sign_in(request: Request) -> Response:
        if not sessions.takes_password:
            return page(status=403)
        try:
            fields = await asyncio.wait_for(_fields(request), _FORM_S)
        except (TimeoutError, ClientDisconnect):
            return page("That took too long.", 408)
        name = tidy_name(fields.get("name", ""))
        address = request.client.host if request.client else ""
        browser = request.cookies.get(tries.cookie)
        if not name:
            return page("Give a name: orders and labels are logged with it.", 400)
        if not tries.may_try(address, browser):
            return page("Too many wrong passwords. Wait a minute.", 429, name)
        async with turns:
            right = await run_in_threadpool(sessions.is_password, fields.get("password", ""))
        if not right:
            return page("That is not the password.", 401, name)
        tries.forgive(address, browser)
        response = RedirectResponse("/", 303)
        for cookie, value, lasts_s in (
            (sessions.cookie, sessions.open(name), LASTS_S),
            (tries.cookie, tries.new_browser(), _KNOWN_S),
        ):
            response.set_cookie(cookie, value, max_age=lasts_s, httponly=True, samesite="strict")
        return response


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            return {}
    return {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
