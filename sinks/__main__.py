"""`python -m sinks`: one of the sink processes, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from line.errors import ScraplineError
from line.missing_package import optional
from line.process.client import Client
from line.process.context import ProcessContext, enter_process, leave
from line.process.heartbeat import Heartbeat
from line.run_files.results import FILE as RESULTS
from line.section import PLANT_SINKS
from sinks.alert_file import FILE as ALERTS
from sinks.follower import Follower, Passed
from sinks.following import Following

REVIEW = "review"
"""The folder of the review queue, in that of the run."""

if TYPE_CHECKING:  # the log is back the sooner
    from sinks.plant.outlet import Outlet


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
    if context.name in PLANT_SINKS:
        following = Following(context, _plant(context), passed, ALERTS)
    else:
        follower = _alerts(context) if context.name == "alerts" else _review(context, passed)
        following = Following(context, follower, passed)
    with closing(following):
        following.run()


def _alerts(context: ProcessContext) -> Follower:
    from sinks.alerts import Alerts
    from sinks.drift_watch import DriftWatch
    from sinks.promise_watch import PromiseWatch

    settings = context.settings
    sync = settings.results.survives_power_cut
    promises = PromiseWatch(settings, context.run_dir / REVIEW)
    drift = DriftWatch(settings, context.run_dir) if settings.drift.enabled else None
    path, alive = context.run_dir / ALERTS, Heartbeat(context)
    return Alerts(path, settings.alerts, promises=promises, drift=drift, sync=sync, alive=alive)


def _review(context: ProcessContext, passed: Passed) -> Follower:
    from line.run_files.review_spool import FOLDER, SpoolReader
    from sinks.active_learning import ActiveLearning

    settings = context.settings
    folder = context.run_dir / REVIEW
    spool = SpoolReader(folder / FOLDER, settings.message.picture_bytes)
    sync = settings.results.survives_power_cut
    return ActiveLearning(folder, spool, settings.review, settings.line.seed, passed, sync=sync)


def _plant(context: ProcessContext) -> Follower:
    from sinks.plant.plant_follower import PlantFollower

    outlet = _postgres(context) if context.name == "postgres" else _mqtt(context)
    return PlantFollower(context.run_dir, outlet, wait_s=context.beat_s)


def _postgres(context: ProcessContext) -> Outlet:
    from sinks.plant.run_record import read_run

    with optional(context.name, "postgres.txt"):
        from sinks.plant.postgres import Postgres
    return Postgres(context.settings.postgres.dsn, lambda: read_run(context.run_dir))


def _mqtt(context: ProcessContext) -> Outlet:
    from sinks.plant.run_record import read_run

    with optional(context.name, "mqtt.txt"):
        from sinks.plant.mqtt import Mqtt
    return Mqtt(context.settings.mqtt, lambda: read_run(context.run_dir))


if __name__ == "__main__":
    sys.exit(main())
