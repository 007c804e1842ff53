"""Events that a ledger hears, and what its actions come to."""

from __future__ import annotations

import math
from collections.abc import Iterable

from line.actions import (
    Action,
    Assign,
    Deliver,
)
from line.ledger import Ledger, Rules
from line.messages import (
    Frame,
    Key,
    Result,
    Unseen,
)
from line.outcome import Outcome, Verdict
from line.verdicts import Judge

LOG, ALERTS, REVIEW = "csv_log", "alerts", "active_learning"
W0, W1, W2 = "worker-0#1", "worker-1#1", "worker-2#1"
JUDGE = Judge(classes=("glass", "metal"), residue_class="", threshold=0.6)
LEASE_S = 2.0
RULES = Rules(
    lease_s=LEASE_S,
    attempts=3,
    log=LOG,
    followers=(ALERTS, REVIEW),
    review=REVIEW,
    notices=ALERTS,
)
DATA = b"abc"


def frame(seq: int, *, deadline: float = math.inf, camera: int = 0) -> Frame:
    return Frame(camera, seq, float(seq), 0.0, 0.0, deadline, "glass", 210.0, "raw", 1, 1, 0)


def answer(seq: int, *, camera: int = 0, metal: float = 0.1) -> Result:
    return Result(camera, seq, (1 - metal, metal), 0.0, 0.01, "0123456789ab")


def drop(seq: int, *, camera: int = 0) -> Unseen:
    return Unseen(camera, seq, float(seq), "glass", 210.0, Verdict.DROPPED, "overrun")


def ledger(
    *workers: str, credit: int = 2, sinks: Iterable[str] = (), rules: Rules = RULES
) -> Ledger:
    made = Ledger(rules, JUDGE)
    for worker in workers:
        made.worker_joined(worker, credit, 0.0)
    for sink in sinks:
        made.sink_joined(sink, 64)
    return made


def assigned(actions: Iterable[Action]) -> list[tuple[str, int]]:
    """(worker, sequence) of each assignment."""
    return [(a.worker, a.picture.frame.seq) for a in actions if isinstance(a, Assign)]


def delivered(actions: Iterable[Action]) -> list[tuple[str, int]]:
    """(sink, sequence) of each delivery."""
    return [(a.sink, a.outcome.seq) for a in actions if isinstance(a, Deliver)]


def decided(actions: Iterable[Action]) -> dict[int, Verdict]:
    """Sequence → verdict of each delivery."""
    return {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Deliver)}


def outcome(actions: Iterable[Action]) -> Outcome:
    """The outcome of the only delivery."""
    (delivery,) = [a for a in actions if isinstance(a, Deliver)]
    return delivery.outcome


def stored(on: Ledger, sink: str, *keys: Key, truth: Iterable[Outcome] = ()) -> list[Action]:
    return on.stored(sink, keys, truth)
