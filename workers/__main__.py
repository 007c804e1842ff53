"""`python -m workers`: a worker process, started by the supervisor or on another machine."""

from __future__ import annotations

import sys
from pathlib import Path

from line.missing_package import is_of_others, missing
from line.process.standard_streams import drain_streams, secure_streams


def main() -> int:
    if any(argument.startswith("--channel") for argument in sys.argv[1:]):
        return _local()
    secure_streams()  # it is started by a person or a service, who may look away
    try:
        from workers import remote  # loads CURVE, which no worker of this machine needs

        return remote.main()
    except ImportError as error:
        if not is_of_others(error):
            raise
        print(missing(error), file=sys.stderr)
        return 2
    finally:
        drain_streams()


def _local() -> int:
    """A worker that the supervisor has started."""
    from line.errors import ScraplineError
    from line.model.facts import ModelFacts
    from line.process.client import Client
    from line.process.context import enter_process, leave
    from line.process.priority import yield_process

    context = enter_process()
    settings = context.settings
    if settings.line.speed != "max":  # where nothing has a deadline, nobody needs to yield
        yield_process(settings.worker.nice)
    # ONNX Runtime takes a while to load; others may be at work.
    from workers.batches import batch_times
    from workers.engines.standby import Standby
    from workers.faults import WorkerFaults
    from workers.metered_engine import metered
    from workers.model import Model
    from workers.worker import Worker, warmed_up

    camera, credit = settings.camera, settings.worker_credit

    def opened(facts: ModelFacts) -> Model:
        return Model.open(Path(facts.path), facts.engine, facts.sha256)

    def ready(model: Model) -> Model:
        warm = warmed_up(model, credit, camera.height_px, camera.width_px)
        return metered(warm, context.processor)

    def standby_of(other: ModelFacts) -> Standby:
        def tell(why: str) -> None:
            context.channel.send("engine_failed", text=why)

        return Standby(lambda: ready(opened(other)), tell)

    try:
        model, other = opened(context.model), context.model.standby
        times = None
        if settings.by_slack:
            times = batch_times(model, camera.height_px, camera.width_px)
        model = ready(model)
        with Client(context, credit=credit, batches=times) as client:
            faults = WorkerFaults(settings, client.orders)
            standby = None if other is None else standby_of(other)
            by_slack = times is not None
            Worker(client, model, credit, faults, context.rings, standby, by_slack=by_slack).run()
    except ScraplineError as error:
        return leave(context, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
