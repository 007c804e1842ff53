"""The report's charts: the verdict bar, verdicts over belt time, the distribution of latency."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from line.events import Event
from line.outcome import Verdict
from reports.charts.plot import Plot, nice_step, steps_up_to
from reports.distribution import Distribution
from reports.timeline import Timeline
from reports.wording import LEGEND, count, number

_HEIGHT_PX = 220
_BARS_PER_DECADE = 16
_TIME_UNITS_S = {"d": 86400, "h": 3600, "min": 60, "s": 1}

Counts = npt.NDArray[np.int64]


def verdict_bar(counts: Mapping[str, int]) -> Markup:
    """All items as one bar, split by verdict; `counts` has every verdict."""
    plot = Plot("Items by verdict", 34)
    left = 0.0
    for entry in LEGEND:
        amount = counts[entry.verdict]
        width = 100 * amount / max(1, sum(counts.values()))
        if amount:
            plot.box(f"v-{entry.verdict} split", left, 0, width, 100, f"{entry.verdict}: {amount}")
        left += width
    return plot.svg()


def timeline_chart(timeline: Timeline, faults: Sequence[Event] = ()) -> Markup:
    """Items by verdict, stacked, over the belt time of their trigger; planned faults as lines.

    Needs at least one item.
    """
    step_s, counts = timeline.step_s, timeline.bars()
    bars = counts.shape[1]
    columns = _Columns([entry.verdict for entry in LEGEND], counts)
    plot = Plot("Items by verdict over belt time", _HEIGHT_PX)
    plot.y_ticks(columns.ticks())
    plot.x_ticks(_time_ticks(bars * step_s))
    columns.draw(plot, (_span_s(step_s * bar, step_s * (bar + 1)) for bar in range(bars)))
    for fault in faults:
        x = 100 * fault.at_s / (bars * step_s)
        if x <= 100:
            plot.line("event", x, 0, x, 100, f"{fault.at_s:g} s: {fault.action} {fault.process}")
            plot.text("✕", x, 0, name="event-mark", shift_px=(0, -4))
    return plot.svg()


def latency_histogram(
    in_time: Distribution, late: Distribution, deadline_ms: float | None
) -> Markup:
    """Answered items over their latency on a logarithmic axis; those in time and late stacked.

    The deadline, in wall milliseconds, is a vertical line. Needs at least one answer.
    """
    ends_ms = [max(0.1, end) for part in (in_time, late) if part.count for end in part.ends]
    axis = _LogAxis.around([*ends_ms, *([deadline_ms] if deadline_ms else [])])
    bars = max(8, round(axis.decades * _BARS_PER_DECADE))
    stacks = [_stack(part, axis, bars) for part in (in_time, late)]
    columns = _Columns(["in-time", Verdict.LATE], np.stack(stacks))
    edges_ms = axis.low * 10 ** (axis.decades * np.arange(bars + 1) / bars)
    plot = Plot("Answered items over latency", _HEIGHT_PX)
    if deadline_ms is not None:
        x = 100 * float(axis.share(np.array(deadline_ms)))
        plot.box("too-late", x, 0, 100 - x, 100)
    plot.y_ticks(columns.ticks())
    plot.x_ticks(axis.ticks())
    columns.draw(plot, (_span_ms(*pair) for pair in pairwise(edges_ms)))
    if deadline_ms is not None:
        plot.line("deadline", x, 0, x, 100)
        side, shift_px = ("end", -6) if x > 50 else ("start", 6)
        text = f"deadline {number(deadline_ms, 'ms')}"
        plot.text(text, x, 0, name="deadline-mark", anchor=side, shift_px=(shift_px, 12))
    return plot.svg()


def _stack(part: Distribution, axis: _LogAxis, bars: int) -> Counts:
    values_ms, counts = part.values()
    place = bars * axis.share(values_ms.clip(min=0.1))
    place = place.clip(0, bars - 1).astype(np.int64)
    stack: Counts = np.bincount(place, weights=counts, minlength=bars).astype(np.int64)
    return stack


@dataclass(frozen=True, slots=True)
class _Columns:
    """Stacked columns of equal width: `counts[layer, column]`, the first layer at the bottom."""

    layers: Sequence[str]
    counts: Counts

    @property
    def _step(self) -> float:
        return max(1, nice_step(int(self.counts.sum(axis=0).max()), 4))

    @property
    def _top(self) -> float:
        return math.ceil(int(self.counts.sum(axis=0).max()) / self._step) * self._step

    def ticks(self) -> Iterator[tuple[float, str]]:
        for value in steps_up_to(self._top, self._step):
            yield 100 - 100 * value / self._top, count(round(value))

    def draw(self, plot: Plot, titles: Iterable[str]) -> None:
        width = 100 / self.counts.shape[1]
        for column, title in enumerate(titles):
            base = 100.0
            for layer, amount in zip(self.layers, self.counts[:, column], strict=True):
                if amount:
                    height = 100 * int(amount) / self._top
                    base -= height
                    x = width * (column + 0.06)
                    plot.box(
                        f"v-{layer}", x, base, 0.88 * width, height, f"{title}: {amount} {layer}"
                    )


@dataclass(frozen=True, slots=True)
class _LogAxis:
    """A logarithmic axis between two round numbers, 1, 2 or 5 times a power of ten."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> _LogAxis:
        rounds = [factor * 10.0**power for power in range(-2, 9) for factor in (1, 2, 5)]
        values = [min(max(value, rounds[0]), rounds[-2]) for value in values]
        low = max(value for value in rounds if value <= min(values))
        high = min(value for value in rounds if value >= max(*values, 2 * low))
        return cls(low, high)

    @property
    def decades(self) -> float:
        return math.log10(self.high / self.low)

    def share(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Places of `values` on the axis, in 0..1."""
        return np.log10(values / self.low) / self.decades

    def ticks(self) -> Iterator[tuple[float, str]]:
        factors = (1, 2, 5) if self.decades <= 2.5 else (1,)
        values = [factor * 10.0**power for power in range(-2, 9) for factor in factors]
        for value in values:
            if self.low <= value <= self.high * (1 + 1e-9):
                text = count(round(value)) if value >= 1 else f"{value:g}"
                yield 100 * float(self.share(np.array(value))), text


def _time_ticks(end_s: float) -> Iterator[tuple[float, str]]:
    fitting = [(unit, size_s) for unit, size_s in _TIME_UNITS_S.items() if end_s >= 3 * size_s]
    unit, size_s = fitting[0] if fitting else ("s", 1)
    for value in steps_up_to(end_s / size_s, nice_step(end_s / size_s, 6)):
        yield 100 * value * size_s / end_s, f"{value:g} {unit}"


def _span_s(start_s: float, end_s: float) -> str:
    return f"{start_s:.10g} to {end_s:.10g} s"


def _span_ms(start_ms: float, end_ms: float) -> str:
    return f"{number(start_ms)} to {number(end_ms)} ms"
