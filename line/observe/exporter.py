"""`/metrics` and `/healthz` over HTTP, from a thread that neither stops nor slows the line.

The supervisor leaves a snapshot at each of its looks; the thread (`line/observe/page_server.py`)
answers from the newest one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import CONTENT_TYPE_LATEST

from line.errors import BadInput
from line.observe.metrics import render
from line.observe.page_server import PageServer
from line.observe.snapshot import Snapshot
from line.observe.status import Status
from line.settings import Settings

HOST = "127.0.0.1"

Watch = Callable[[Status], None]


class Exporter:
    """Context manager: owns the port and the thread. Raises BadInput if the port is taken."""

    def __init__(self, port: int) -> None:
        self._snapshot: Snapshot | None = None
        pages = {"/metrics": self.metrics, "/healthz": self.health}
        try:
            self._server = PageServer(HOST, port, pages)
        except OSError as error:
            raise BadInput(f"metrics.port: {HOST}:{port}: {error.strerror}") from None

    def __enter__(self) -> Exporter:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

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
