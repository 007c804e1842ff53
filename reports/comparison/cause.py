"""Why an item was judged otherwise: what of the second run changes the verdict of the first.

An answered item's verdict follows from its answer, the threshold, whether it was stranger than the
limit, whether it was in time, and which class is residue. Each of these that differs is put into
the first run's case by itself; the one that turns its verdict into the second run's is the cause.
Where no single one does, several are needed, and all of them are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from line.outcome import UNLIKE, Verdict
from line.verdicts import Judge
from reports.comparison.compared_run import ComparedRun, Item
from reports.comparison.timing import Timing, timing


class Cause(StrEnum):
    """What made the difference."""

    ANOTHER_ITEM = "another item"
    MODEL = "model"
    PICTURE = "picture"
    THRESHOLD = "threshold"
    NOVELTY = "novelty limit"
    RESIDUE = "residue class"
    BELT_SPEED = "belt speed"
    FAULT = "fault"
    TIMING = "timing"
    NUMERICS = "numerics"
    DRAWN = "drawn"


MEANINGS = {
    Cause.ANOTHER_ITEM: "the number names different items: another seed, source or mix",
    Cause.MODEL: "another model answered, or the same in another engine",
    Cause.PICTURE: "the same model saw another picture of it",
    Cause.THRESHOLD: "the same answer, on the other side of the threshold",
    Cause.NOVELTY: "stranger than the limit in one run alone",
    Cause.RESIDUE: "another class runs off the end of the belt",
    Cause.BELT_SPEED: "the deadline came earlier or later",
    Cause.FAULT: "something broke or restarted while it was under way",
    Cause.TIMING: "the line was faster or slower over it",
    Cause.NUMERICS: "the same model answered otherwise to the same picture",
    Cause.DRAWN: "another answer of the same model was drawn, in virtual time",
}
"""The words printed beside each cause."""

_ORIGINS = ("line.seed", "line.cameras", "source.spec", "source.order", "infeed.process")
"""Settings that decide which item a number names."""
_DEALT = ("line.seed", "line.cameras", "source.order")
"""Those that decide which picture of a folder it is. A drawn item is of its seed alone."""


@dataclass(frozen=True, slots=True)
class Why:
    """The cause of a change, and the figures behind it in a few words."""

    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class _Thresholds:
    """The `usual` one, and those of classes whose bin is promised to be pure."""

    usual: float
    promised: Mapping[str, float]

    def of(self, predicted_class: str) -> float:
        return self.promised.get(predicted_class, self.usual)


@dataclass(frozen=True, slots=True)
class _Case:
    """All that an answered item's verdict follows from."""

    answer: tuple[str, float]
    threshold: _Thresholds
    unlike: bool
    in_time: bool
    residue_class: str

    def verdict(self, truth: str | None) -> Verdict:
        held = self.threshold
        judge = Judge((), self.residue_class, held.usual, promised=held.promised)
        slack_s = 1.0 if self.in_time else -1.0
        return judge.verdict(truth, *self.answer, slack_s, unlike=self.unlike)


def why(a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> Why:
    """Why `b` was judged or named otherwise than `a`, the same item of another run."""
    if _is_another(a, b, run_a, run_b):
        return Why(Cause.ANOTHER_ITEM, f"{a.true_class or 'unknown'} → {b.true_class or 'unknown'}")
    case_a, case_b = _case(a, run_a), _case(b, run_b)
    if case_a is None or case_b is None:
        return _of_timing(a, b, run_a, run_b)
    parts = [name for name in _PARTS if getattr(case_a, name) != getattr(case_b, name)]
    wanted = (b.verdict, b.predicted_class)
    alone = [name for name in parts if _swapped(case_a, case_b, name, a.true_class) == wanted]
    found = [_name(part, a, b, run_a, run_b) for part in (alone[:1] or parts)]
    if not found:
        return Why(Cause.NUMERICS, "")
    return Why(found[0].cause, "; ".join(one.detail for one in found))


_PARTS = ("answer", "threshold", "unlike", "in_time", "residue_class")


def _swapped(
    case_a: _Case, case_b: _Case, part: str, truth: str | None
) -> tuple[Verdict, str | None]:
    case = replace(case_a, **{part: getattr(case_b, part)})
    return case.verdict(truth), case.answer[0]


def _case(item: Item, run: ComparedRun) -> _Case | None:
    if item.predicted_class is None or item.confidence is None:
        return None
    return _Case(
        answer=(item.predicted_class, item.confidence),
        threshold=_threshold(item, run),
        unlike=_is_unlike(item, run),
        in_time=item.verdict is not Verdict.LATE,
        residue_class=str(run.setting("belt.residue_class", "")),
    )


def _threshold(item: Item, run: ComparedRun) -> _Thresholds:
    """Those in the settings, unless the row says that another one held when it was decided."""
    assert item.confidence is not None
    assert item.predicted_class is not None
    named = _named(item, run)
    if (
        named is not None
        and (item.confidence < named.of(item.predicted_class) or _is_unlike(item, run))
        == item.low_confidence
    ):
        return named
    return _Thresholds(math.inf if item.low_confidence else 0.0, {})


def _is_unlike(item: Item, run: ComparedRun) -> bool:
    """Of a late one only the settings say it, which do not know the limits of other models."""
    limit = run.setting("decision.novelty_energy", "off")
    if item.verdict is not Verdict.LATE or isinstance(limit, str) or item.energy is None:
        return item.reason == UNLIKE
    return item.energy > float(limit)


def _named(item: Item, run: ComparedRun) -> _Thresholds | None:
    """What the settings say of answers of the item's model."""
    usual = run.setting("decision.threshold")
    if not isinstance(usual, int | float):
        return None
    return _Thresholds(float(usual), run.promised_of(item.model))


def _threshold_in_words(item: Item, run: ComparedRun) -> str:
    held = _threshold(item, run)
    is_named = held == _named(item, run)
    return f"{held.of(item.predicted_class or ''):.6g}" if is_named else "another, by order"


def _is_another(a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> bool:
    if a.true_class != b.true_class:
        return True
    if run_a.is_virtual or run_b.is_virtual:  # there are no pictures that could tell
        return _feed_others(run_a, run_b)
    return _any_differs(_ORIGINS, run_a, run_b) and _pictures_differ(a, b)


def _feed_others(run_a: ComparedRun, run_b: ComparedRun) -> bool:
    """Whether the settings alone say that a number names different items."""
    specs = {str(run.setting("source.spec")) for run in (run_a, run_b)} - {"recording"}
    names = _DEALT[:1] if specs <= {"procedural"} else _DEALT
    return len(specs) > 1 or _any_differs(names, run_a, run_b)


def _any_differs(names: Iterable[str], run_a: ComparedRun, run_b: ComparedRun) -> bool:
    return any(run_a.setting(name) != run_b.setting(name) for name in names)


def _pictures_differ(a: Item, b: Item) -> bool:
    known = a.picture_crc32 is not None and b.picture_crc32 is not None
    return known and a.picture_crc32 != b.picture_crc32


def _name(part: str, a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> Why:
    if part == "answer":
        return _of_answer(a, b, run_a, run_b)
    if part == "threshold":
        held = " → ".join(map(_threshold_in_words, (a, b), (run_a, run_b)))
        return Why(Cause.THRESHOLD, f"confidence {b.confidence:g}, threshold {held}")
    if part == "unlike":
        energies = ("none" if one.energy is None else f"{one.energy:g}" for one in (a, b))
        return Why(Cause.NOVELTY, f"energy {' → '.join(energies)}")
    if part == "residue_class":
        pair = (run.setting("belt.residue_class") or "none" for run in (run_a, run_b))
        return Why(Cause.RESIDUE, " → ".join(map(str, pair)))
    return _of_timing(a, b, run_a, run_b)


def _of_answer(a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> Why:
    said = " → ".join(f"{one.predicted_class} {one.confidence:g}" for one in (a, b))
    if a.model != b.model:
        return Why(Cause.MODEL, said)
    if run_a.is_virtual or run_b.is_virtual:
        return Why(Cause.DRAWN, said)
    return Why(Cause.PICTURE if _pictures_differ(a, b) else Cause.NUMERICS, said)


def _of_timing(a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> Why:
    found, detail = timing(a, b, run_a, run_b)
    return Why(_TIMINGS[found], detail)


_TIMINGS = {
    Timing.FAULT: Cause.FAULT,
    Timing.BELT_SPEED: Cause.BELT_SPEED,
    Timing.LINE: Cause.TIMING,
}
