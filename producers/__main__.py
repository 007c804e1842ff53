"""`python -m producers`: a camera process with its belt, started by the supervisor."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack, closing
from time import monotonic

from line.client import Client
from line.errors import ScraplineError
from line.seat import Seat, leave, take_seat
from producers.camera import Camera
from producers.clock import Clock
from producers.photographer import Photographer
from producers.sources import open_source
from producers.studio import Studio
from producers.window import Progress


def main() -> int:
    seat = take_seat()
    try:
        with ExitStack() as stack:
            _run(seat, stack)
    except ScraplineError as error:
        return leave(seat, error)
    return 0


def _run(seat: Seat, stack: ExitStack) -> None:
    settings = seat.settings
    # The studio's thread must not keep the trigger waiting for the interpreter lock.
    sys.setswitchinterval(0.0005)
    source = stack.enter_context(closing(open_source(settings)))
    progress = Progress(seat.runtime_dir / f"{seat.name}.progress")
    stack.enter_context(closing(progress))
    client = stack.enter_context(Client(seat))
    start = _await_start(client)
    if start is None:
        return
    speed = math.inf if settings.line.speed == "max" else settings.line.speed
    photograph = Photographer(source, settings, seat.index)
    studio = stack.enter_context(
        Studio(
            photograph,
            settings.camera.encoding,
            settings.camera.jpeg_quality,
            nice=settings.worker.nice,
        )
    )
    Camera(client, Clock(start, speed), source, studio, progress).run()


def _await_start(client: Client) -> float | None:
    """Wait for belt second 0 and return its monotonic time; None if the supervisor wants an end."""
    start: float | None = None
    while not client.stop and client.orphaned is None:
        client.exchange(start)
        starts = [float(order["at"]) for order in client.orders if order["kind"] == "start"]
        start = starts[-1] if starts else None
        if start is not None and monotonic() >= start:
            return start
    return None


if __name__ == "__main__":
    sys.exit(main())
