"""How pictures come from a visitor's browser, and how what is shown of them goes back.

A session is found by a name that cannot be guessed and is gone with its page. A picture is
held in memory while it is asked about; no disk is touched.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol
from urllib.parse import unquote

from nicegui import app
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from console.classify_page.upload_session import UploadSession
from line.errors import BadInput

ROUTE = "/classify-pictures"
_AT_ONCE = 4
"""Pictures in memory, over all visitors."""
_UPLOAD_S = 60.0
_MOST_NUMBER = 1_000_000


class Receiver(Protocol):
    """A page that is open."""

    session: UploadSession

    async def take(self, number: int, name: str, content: bytes, *, look: bool) -> None:
        """A picture has come, perhaps to be looked at. Raises BadInput if it has no room."""

    def refuse(self, number: int, name: str, complaint: str) -> None:
        """A picture came that was not taken in."""


class _TooLarge(BadInput):
    """A file over the limit: it becomes a row all the same."""


class Uploads:
    """The pages that are open, by a name that their visitors alone know."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._open: dict[str, Receiver] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    def open(self, page: Receiver) -> str:
        """Let a page's pictures in; returns the address that they are sent to."""
        name = secrets.token_urlsafe(16)
        self._open[name] = page
        return f"{ROUTE}/{name}"

    def close(self, address: str) -> None:
        self._open.pop(address.removeprefix(f"{ROUTE}/"), None)

    def serve(self) -> None:
        """Add the routes to the console."""
        app.post(ROUTE + "/{session}/{number}")(self._picture_comes)
        app.get(ROUTE + "/{session}/{number}/picture.jpg")(self._picture)
        app.get(ROUTE + "/{session}/{number}/heat.png")(self._heat)
        app.get(ROUTE + "/{session}/answers.csv")(self._answers)

    async def _picture_comes(self, session: str, number: int, request: Request) -> Response:
        page = self._open.get(session)
        if page is None:
            return PlainTextResponse("This page is closed. Load it again.\n", 404)
        if not 0 < number <= _MOST_NUMBER:
            return PlainTextResponse(f"A picture's number is 1 to {_MOST_NUMBER}.\n", 422)
        name = unquote(request.headers.get("x-picture-name", ""), errors="replace")
        try:
            async with self._room:
                try:
                    content = await asyncio.wait_for(self._content(request, name), _UPLOAD_S)
                except _TooLarge as error:
                    page.refuse(number, name, str(error))
                    return PlainTextResponse(f"{error}\n", 413, {"Connection": "close"})
                await page.take(number, name, content, look="look" in request.query_params)
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 409)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse(f"{name}: did not come in time\n", 408)
        return Response(status_code=204)

    async def _content(self, request: Request, name: str) -> bytes:
        """What is sent. A browser declares the size of a file that it does not even send."""
        declared = request.headers.get("x-picture-bytes", "0")
        size = int(declared) if declared.isdecimal() else 0
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            size = max(size, len(content))
            if size > self._max_bytes:
                break
        if size > self._max_bytes:
            most = self._max_bytes / 1e6
            raise _TooLarge(
                f"{name}: a file of {size / 1e6:.1f} MB, more than source.max_file_mb = {most:g}"
            )
        return bytes(content)

    def _picture(self, session: str, number: int) -> Response:
        return self._shown(session, number, "preview", "image/jpeg")

    def _heat(self, session: str, number: int) -> Response:
        return self._shown(session, number, "heat", "image/png")

    def _shown(self, session: str, number: int, what: str, media_type: str) -> Response:
        page = self._open.get(session)
        asked = page.session.pictures.get(number) if page else None
        content: bytes = getattr(asked, what) if asked else b""
        if not content:
            return PlainTextResponse("There is no such picture.\n", 404)
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})

    def _answers(self, session: str) -> Response:
        page = self._open.get(session)
        if page is None:
            return PlainTextResponse("This page is closed. Load it again.\n", 404)
        return Response(
            page.session.as_csv(),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="answers.csv"'},
        )
