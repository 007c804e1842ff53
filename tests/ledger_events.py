"""Events that a ledger hears, and what its actions come to."""

from __future__ import annotations

import math
from collections.abc import Iterable

from line.dispatch.actions import Acknowledge, Action, Assign, Write
from line.dispatch.ledger import Ledger, Rules
from line.messages import Frame, Key, Result, Unseen
from line.outcome import Outcome, Verdict
from line.verdicts import Judge

W0, W1, W2 = "worker-0#1", "worker-1#1", "worker-2#1"
JUDGE = Judge(classes=("glass", "metal"), residue_class="", threshold=0.6)
LEASE_S = 2.0
RULES = Rules(lease_s=LEASE_S, attempts=3)
DATA = (b"F3", b"header", b"abc")


def frame(seq: int, *, deadline: float = math.inf, camera: int = 0) -> Frame:
    return Frame(camera, seq, float(seq), 0.0, 0.0, deadline, "glass", 210.0, "raw", 1, 1, 0)


def answer(seq: int, *, camera: int = 0, metal: float = 0.1) -> Result:
    return Result(camera, seq, (1 - metal, metal), 0.0, 0.01, "0123456789ab")


def drop(seq: int, *, camera: int = 0) -> Unseen:
    return Unseen(camera, seq, float(seq), "glass", 210.0, Verdict.DROPPED, "overrun")


def ledger(*workers: str, credit: int = 2, log: bool = False, rules: Rules = RULES) -> Ledger:
    """With these workers, and a log that takes all rows if there is to be one."""
    made = Ledger(rules, JUDGE)
    for worker in workers:
        made.worker_joined(worker, credit, 0.0)
    if log:
        made.log_joined(64)
    return made


def assigned(actions: Iterable[Action]) -> list[tuple[str, int]]:
    """(worker, sequence) of each assignment."""
    return [(a.worker, a.picture.frame.seq) for a in actions if isinstance(a, Assign)]


def written(actions: Iterable[Action]) -> list[int]:
    """Sequence of each row."""
    return [a.outcome.seq for a in actions if isinstance(a, Write)]


def decided(actions: Iterable[Action]) -> dict[int, Verdict]:
    """Sequence → verdict of each row."""
    return {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Write)}


def outcome(actions: Iterable[Action]) -> Outcome:
    """The only row."""
    (write,) = [a for a in actions if isinstance(a, Write)]
    return write.outcome


def acknowledged(actions: Iterable[Action]) -> list[Key]:
    """(camera, sequence) of each acknowledgement."""
    return [(a.outcome.camera, a.outcome.seq) for a in actions if isinstance(a, Acknowledge)]
