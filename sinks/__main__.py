"""`python -m sinks`: one of the sink processes, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing

from line.client import Client
from line.errors import ScraplineError
from line.seat import Seat, leave, take_seat
from sinks.active_learning import ActiveLearning
from sinks.alerts import Alerts
from sinks.csv_log import CsvLog
from sinks.loop import Sink, run
from sinks.review_queue import ReviewQueue


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
    settings = seat.settings
    if seat.name == "csv_log":
        return stack.enter_context(closing(CsvLog(seat.run_dir / "results.csv")))
    if seat.name == "alerts":
        return stack.enter_context(closing(Alerts(seat.run_dir / "alerts.jsonl", settings.alerts)))
    queue = stack.enter_context(ReviewQueue(seat.run_dir / "review"))
    return ActiveLearning(queue, settings.review, settings.line.seed)


if __name__ == "__main__":
    sys.exit(main())
