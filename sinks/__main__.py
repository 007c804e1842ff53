"""`python -m sinks`: one of the sink processes, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import closing

from line.client import Client
from line.errors import ScraplineError
from line.process.context import Seat, leave, take_seat
from sinks.follower import Follower, Passed
from sinks.following import Following
from sinks.pulse import Pulse


def main() -> int:
    seat = take_seat()
    try:
        if seat.name == "csv_log":
            _log(seat)
        else:
            _follow(seat)
    except ScraplineError as error:
        return leave(seat, error)
    return 0


# Each loads what it needs alone: a process that was killed is back the sooner.


def _log(seat: Seat) -> None:
    from line.observe.latency_buckets import bucket_bounds_s
    from sinks.csv_log import CsvLog
    from sinks.loop import run

    settings = seat.settings
    log = CsvLog(
        seat.run_dir / "results.csv",
        latency_bounds_s=bucket_bounds_s(settings),
        sync=settings.results.survives_power_cut,
        alive=Pulse(seat.leash),
    )
    with closing(log), Client(seat, credit=settings.sink.credit) as client:
        run(client, log)


def _follow(seat: Seat) -> None:
    passed = Passed()
    follower = _alerts(seat) if seat.name == "alerts" else _review(seat, passed)
    with closing(Following(seat, follower, passed)) as following:
        following.run()


def _alerts(seat: Seat) -> Follower:
    from sinks.alerts import Alerts

    settings = seat.settings
    sync = settings.results.survives_power_cut
    path = seat.run_dir / "alerts.jsonl"
    return Alerts(path, settings.alerts, sync=sync, alive=Pulse(seat.leash))


def _review(seat: Seat, passed: Passed) -> Follower:
    from line.run_files.review_spool import FOLDER, SpoolReader
    from sinks.active_learning import ActiveLearning

    settings = seat.settings
    folder = seat.run_dir / "review"
    spool = SpoolReader(folder / FOLDER, settings.message.picture_bytes)
    sync = settings.results.survives_power_cut
    return ActiveLearning(folder, spool, settings.review, settings.line.seed, passed, sync=sync)


if __name__ == "__main__":
    sys.exit(main())
