"""`python -m sinks`: one of the sink processes, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing

from line.client import Client
from line.errors import ScraplineError
from line.seat import Seat, leave, take_seat
from sinks.loop import Sink, run
from sinks.pulse import Pulse


def main() -> int:
    seat = take_seat()
    try:
        with ExitStack() as stack:
            sink = _open(seat, stack)
            client = stack.enter_context(Client(seat, credit=seat.settings.sink.credit))
            run(client, sink)
    except ScraplineError as error:
        return leave(seat, error)
    return 0


def _open(seat: Seat, stack: ExitStack) -> Sink:
    """The sink of this seat. It alone is loaded: one that was killed is back the sooner."""
    settings = seat.settings
    sync = settings.results.survives_power_cut
    if seat.name == "csv_log":
        from line.latency import bucket_bounds_s
        from sinks.csv_log import CsvLog

        bounds_s = bucket_bounds_s(settings)
        path = seat.run_dir / "results.csv"
        log = CsvLog(path, latency_bounds_s=bounds_s, sync=sync, alive=Pulse(seat.leash))
        return stack.enter_context(closing(log))
    if seat.name == "alerts":
        from sinks.alerts import Alerts

        alerts = Alerts(seat.run_dir / "alerts.jsonl", settings.alerts, sync=sync)
        return stack.enter_context(closing(alerts))
    from sinks.active_learning import ActiveLearning
    from sinks.review_queue import ReviewQueue

    queue = stack.enter_context(ReviewQueue(seat.run_dir / "review", sync=sync))
    return ActiveLearning(queue, settings.review, settings.line.seed)


if __name__ == "__main__":
    sys.exit(main())
