"""The console's web server: NiceGUI's pages behind the guard."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from console.access.connections import BoundedHttp
from console.access.guard import Guard
from console.access.login_page import add_login
from console.access.passwords import LoginTries
from console.layout import STATIC, STATIC_ROUTE
from console.site import Site, build_pages

_LEAVE_S = 1
"""Open pages keep their connections; they are cut off after this time."""
_ASK_S = 0.2
_PAGE_AWAY_S = 20.0
"""A page on a busy machine may be silent so long before it is loaded anew, with what was typed."""
_ICON = (
    '<svg viewBox="0 0 32 32" xmlns="http://www.w3.org/2000/svg">'
    '<rect width="32" height="32" rx="7" fill="#20262d"/>'
    '<path d="M4 22h24" stroke="#f2b705" stroke-width="4" stroke-dasharray="5 3"/>'
    '<circle cx="16" cy="12" r="6" fill="#56b4e9"/></svg>'
)

GoesOn = Callable[[bool], bool]


class _OwnFiles(StaticFiles):
    """Files that a browser keeps, and asks each time whether they are still the same."""

    def file_response(self, *args: Any, **facts: Any) -> Response:
        response = super().file_response(*args, **facts)
        response.headers["Cache-Control"] = "no-cache"
        return response


def make_app(site: Site, tries: LoginTries) -> FastAPI:
    """All pages and their files behind the guard. Once a process: NiceGUI's app is global."""
    app = FastAPI(openapi_url=None)
    app.mount(STATIC_ROUTE, _OwnFiles(directory=STATIC))
    add_login(app, site.sessions, tries)
    build_pages(site)
    ui.run_with(
        app,
        title="Scrapline",
        favicon=_ICON,
        dark=None,
        language="en-GB",
        tailwind=False,
        binding_refresh_interval=None,
        show_welcome_message=False,
        reconnect_timeout=_PAGE_AWAY_S,
    )
    app.add_middleware(Guard, sessions=site.sessions)  # the outermost, as it comes last
    return app


def serve(app: FastAPI, listener: socket.socket, goes_on: GoesOn) -> None:
    """Answer until SIGINT or SIGTERM, or until `goes_on`, asked five times a second, says no.

    It is told whether the server has started.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedHttp,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_LEAVE_S,
        )
    )

    async def both() -> None:
        asking = asyncio.create_task(_ask(server, goes_on))
        await server.serve(sockets=[listener])
        asking.cancel()

    # uvicorn passes both signals on when it has left in order; whoever called has to leave so too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(both())


async def _ask(server: uvicorn.Server, goes_on: GoesOn) -> None:
    while not server.should_exit:
        server.should_exit = not goes_on(server.started)
        await asyncio.sleep(_ASK_S)
