"""Figures of finished runs, as the table and the comparison show them: one list for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from console.runs_page.run_shelf import Accounts
from line.observe.percent import percent
from line.outcome import Verdict

Value = float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run. `unit`: "%" of a share in 0..1, "t/h", "ms", or "" of a count."""

    name: str
    unit: str
    value: Callable[[Accounts], Value]
    formula: str = ""

    def shown(self, value: Value) -> str:
        if value is None:
            return "–"
        match self.unit:
            case "%":
                return percent(value)
            case "t/h":
                return f"{value:.3g}"
            case "ms":
                return f"{value:.1f} ms"
        return f"{value:,.0f}"

    def difference(self, a: Value, b: Value) -> str:
        """From `a` to `b`, with its sign."""
        if a is None or b is None:
            return "–"
        change = b - a
        sign = "+" if change > 0 else "−" if change < 0 else "±"
        if self.unit == "%":
            return f"{sign}{100 * abs(change):.1f} points"
        return f"{sign}{self.shown(abs(change))}"


def purity(accounts: Accounts) -> Value:
    """Right items ejected ÷ all items ejected, over all bins; None unless every class is known."""
    if accounts.loss is None or accounts.loss.all.fed.items != accounts.items.logged:
        return None
    right = accounts.verdicts.get(Verdict.SORTED, 0)
    ejected = right + accounts.verdicts.get(Verdict.MISSORTED, 0)
    return right / ejected if ejected else None


def recovery(accounts: Accounts) -> Value:
    """Items that went where they belong ÷ items fed, of those whose class is known."""
    if accounts.loss is None or not accounts.loss.all.fed.items:
        return None
    return accounts.loss.all.recovered.items / accounts.loss.all.fed.items


IN_TIME = Figure(
    "in time", "%", lambda a: a.in_time_rate, "items answered before their deadline ÷ items fed"
)
ACCURACY = Figure(
    "accuracy", "%", lambda a: a.accuracy, "right predictions ÷ classified items of known class"
)
PURITY = Figure("purity", "%", purity, "right items ejected ÷ all items ejected, over all bins")
RECOVERY = Figure(
    "recovery", "%", recovery, "items ejected into their bin, or rightly left, ÷ items fed"
)
T_PER_H = Figure("t/h", "t/h", lambda a: a.throughput_t_per_h, "mass fed ÷ belt time")
FED = Figure("items", "", lambda a: a.items.fed)
LOST = Figure("without a row", "", lambda a: a.items.lost, "items fed − items with a row")
_OVERALL = (PURITY, RECOVERY, IN_TIME, ACCURACY, T_PER_H, FED, LOST)


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of two runs."""

    figure: Figure
    a: Value
    b: Value

    @property
    def differs(self) -> bool:
        """Whether what is shown is not the same."""
        return self.figure.shown(self.a) != self.figure.shown(self.b)

    @property
    def weight(self) -> float:
        """How far the two are apart: of shares in points, of all else as a part of the larger."""
        if self.a is None or self.b is None:
            return 0.0
        apart = abs(self.b - self.a)
        largest = 1.0 if self.figure.unit == "%" else max(abs(self.a), abs(self.b))
        return apart / largest if largest else 0.0


def pairs(a: Accounts, b: Accounts) -> list[Pair]:
    """All figures of two runs: those that differ first, the furthest apart at the top."""
    found = [Pair(one, one.value(a), one.value(b)) for one in _all(a, b)]
    known = [pair for pair in found if pair.a is not None or pair.b is not None]
    return sorted(known, key=lambda pair: (not pair.differs, -pair.weight))


def _all(a: Accounts, b: Accounts) -> Iterable[Figure]:
    yield from _OVERALL
    for name in ("p50", "p95", "p99"):
        yield Figure(f"latency, {name}", "ms", _latency(name))
    for verdict in Verdict:
        yield Figure(f"{verdict.value.replace('_', ' ')}, of all fed", "%", _share_of_fed(verdict))
    for name in dict.fromkeys((*a.purity, *b.purity)):
        yield Figure(f"purity of {name}", "%", _share("purity", name))
    for name in dict.fromkeys((*a.recovery, *b.recovery)):
        yield Figure(f"recovery of {name}", "%", _share("recovery", name))


def _latency(name: str) -> Callable[[Accounts], Value]:
    return lambda accounts: (accounts.latency_ms or {}).get(name)


def _share_of_fed(verdict: Verdict) -> Callable[[Accounts], Value]:
    def find(accounts: Accounts) -> Value:
        if not accounts.verdicts or accounts.items.fed <= 0:
            return None
        return accounts.verdicts.get(verdict, 0) / accounts.items.fed

    return find


def _share(of: str, name: str) -> Callable[[Accounts], Value]:
    def find(accounts: Accounts) -> Value:
        shares: dict[str, Value] = getattr(accounts, of)
        return shares.get(name)

    return find
