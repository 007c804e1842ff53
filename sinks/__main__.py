"""`python -m sinks`: one of the sink processes, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import closing

from line.errors import ScraplineError
from line.process.client import Client
from line.process.context import ProcessContext, enter_process, leave
from line.process.heartbeat import Heartbeat
from line.run_files.results import FILE as RESULTS
from sinks.follower import Follower, Passed
from sinks.following import Following


def main() -> int:
    context = enter_process()
    try:
        if context.name == "csv_log":
            _log(context)
        else:
            _follow(context)
    except ScraplineError as error:
        return leave(context, error)
    return 0


# Each loads what it needs alone: a process that was killed is back the sooner.


def _log(context: ProcessContext) -> None:
    from sinks.csv_log import CsvLog
    from sinks.loop import run
    from sinks.running_stats import bucket_bounds_s

    settings = context.settings
    log = CsvLog(
        context.run_dir / RESULTS,
        latency_bounds_s=bucket_bounds_s(settings),
        sync=settings.results.survives_power_cut,
        alive=Heartbeat(context),
    )
    with closing(log), Client(context, credit=settings.sink.credit) as client:
        run(client, log)


def _follow(context: ProcessContext) -> None:
    passed = Passed()
    follower = _alerts(context) if context.name == "alerts" else _review(context, passed)
    with closing(Following(context, follower, passed)) as following:
        following.run()


def _alerts(context: ProcessContext) -> Follower:
    from sinks.alerts import Alerts

    settings = context.settings
    sync = settings.results.survives_power_cut
    path = context.run_dir / "alerts.jsonl"
    return Alerts(path, settings.alerts, sync=sync, alive=Heartbeat(context))


def _review(context: ProcessContext, passed: Passed) -> Follower:
    from line.run_files.review_spool import FOLDER, SpoolReader
    from sinks.active_learning import ActiveLearning

    settings = context.settings
    folder = context.run_dir / "review"
    spool = SpoolReader(folder / FOLDER, settings.message.picture_bytes)
    sync = settings.results.survives_power_cut
    return ActiveLearning(folder, spool, settings.review, settings.line.seed, passed, sync=sync)


if __name__ == "__main__":
    sys.exit(main())
