"""`python -m line.dispatch`: the dispatcher process, started by the supervisor."""

from __future__ import annotations

import sys

from line.dispatch.decision_rules import judges_of
from line.dispatch.dispatcher import Dispatcher
from line.dispatch.ledger import Ledger, Rules
from line.errors import ScraplineError
from line.process.context import leave, take_seat
from line.run_files.session import Session
from line.sockets import Hub


def main() -> int:
    seat = take_seat()
    settings = seat.settings
    rules = Rules(lease_s=settings.worker.lease_s, attempts=settings.worker.attempts)
    try:
        with Hub(seat.runtime_dir, settings.message, settings.transport) as hub:
            dispatcher = Dispatcher(hub, seat, Ledger(rules, judges_of(seat)))
            dispatcher.take_up(Session.load(seat.run_dir).standing)
            dispatcher.run()
    except ScraplineError as error:
        return leave(seat, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
