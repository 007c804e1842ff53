"""`python -m line.dispatch`: the dispatcher process, started by the supervisor."""

from __future__ import annotations

import sys

from line.dispatch.decision_rules import decision_rules_of
from line.dispatch.dispatcher import Dispatcher
from line.dispatch.ledger import Ledger, Rules
from line.errors import ScraplineError
from line.process.context import enter_process, leave
from line.process.hub import Hub
from line.run_files.session import Session


def main() -> int:
    context = enter_process()
    settings = context.settings
    rules = Rules.of(settings)
    try:
        with Hub(context.runtime_dir, settings.message, settings.transport) as hub:
            dispatcher = Dispatcher(hub, context, Ledger(rules, decision_rules_of(context)))
            dispatcher.take_up(Session.load(context.run_dir).overrides)
            dispatcher.run()
    except ScraplineError as error:
        return leave(context, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
