"""The login page: a name for the logs, and the one password."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from console.access import LOGIN
from console.sessions import COOKIE, LASTS_S, Sessions
from console.site import tidy_name

_FORM_BYTES = 4096
_AT_ONCE = 2
"""Passwords looked at at once: each takes 32 MiB."""
_PAGE = Template((Path(__file__).parent / "static" / "login.html").read_text(encoding="utf-8"))


def add_login(app: FastAPI, sessions: Sessions) -> None:
    """Serve the form and take what it sends; five wrong passwords a minute an address."""
    turns = asyncio.Semaphore(_AT_ONCE)

    @app.get(LOGIN)
    async def form() -> Response:
        return _page()

    @app.post(LOGIN)
    async def sign_in(request: Request) -> Response:
        fields = await _fields(request)
        name = tidy_name(fields.get("name", ""))
        address = request.client.host if request.client else ""
        if not name:
            return _page("Give a name: orders and labels are logged with it.", 400)
        if not sessions.may_try(address):
            return _page("Too many wrong passwords from here. Wait a minute.", 429, name)
        async with turns:
            right = await run_in_threadpool(sessions.check, address, fields.get("password", ""))
        if not right:
            return _page("That is not the password.", 401, name)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, sessions.open(name), max_age=LASTS_S, httponly=True, samesite="strict"
        )
        return response


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            return {}
    return {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}


def _page(complaint: str = "", status: int = 200, name: str = "") -> HTMLResponse:
    return HTMLResponse(
        _PAGE.substitute(complaint=escape(complaint), name=escape(name)), status_code=status
    )
