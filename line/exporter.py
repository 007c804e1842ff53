"""`/metrics` and `/healthz` over HTTP, from a thread that neither stops nor slows the line.

The supervisor leaves a snapshot at each of its looks; the thread answers from the newest one. It
serves one request at a time and gives a slow client two seconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic
from typing import ClassVar

from prometheus_client import CONTENT_TYPE_LATEST

from line.errors import BadInput
from line.metrics import render
from line.settings import Settings
from line.snapshot import Snapshot
from line.status import Status

HOST = "127.0.0.1"
_CLIENT_PATIENCE_S = 2.0

Watch = Callable[[Status], None]


class Exporter:
    """Context manager: owns the port and the thread. Raises BadInput if the port is taken."""

    def __init__(self, port: int) -> None:
        self._snapshot: Snapshot | None = None
        try:
            self._server = _Server(port, self)
        except OSError as error:
            raise BadInput(f"metrics.port: {HOST}:{port}: {error.strerror}") from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="exporter", daemon=True
        )

    def __enter__(self) -> Exporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def update(self, status: Status) -> None:
        """Answer from this from now on."""
        self._snapshot = Snapshot.of(status)

    def metrics(self) -> tuple[int, str, bytes]:
        """HTTP status, content type and body; empty before the first snapshot."""
        snapshot = self._snapshot
        return 200, CONTENT_TYPE_LATEST, render(snapshot) if snapshot else b""

    def health(self) -> tuple[int, str, bytes]:
        """200 while every stage does its work, else 503."""
        snapshot, now = self._snapshot, monotonic()
        facts = snapshot.facts(now) if snapshot else {"status": "starting"}
        body = json.dumps(facts, indent=1).encode() + b"\n"
        return 200 if facts["status"] == "ok" else 503, "application/json", body


class _Server(HTTPServer):
    allow_reuse_address = True

    def __init__(self, port: int, exporter: Exporter) -> None:
        self.pages = {"/metrics": exporter.metrics, "/healthz": exporter.health}
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    timeout: ClassVar[float] = _CLIENT_PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(404, explain="There are /metrics and /healthz.")
            return
        status, kind, body = page()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The terminal is the view's."""


@contextmanager
def exported(settings: Settings, watch: Watch) -> Iterator[Watch]:
    """`watch`, and beside it the exporter if `metrics.port` asks for one.

    Raises:
        BadInput: if the port is taken.
    """
    if settings.metrics.port == 0:
        yield watch
        return
    with Exporter(settings.metrics.port) as exporter:

        def both(status: Status) -> None:
            exporter.update(status)
            watch(status)

        yield both
