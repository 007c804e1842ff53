"""Latency against the deadline: its percentiles, and a histogram of the last half minute."""

from __future__ import annotations

from nicegui import ui

from console.line_page.figures import milliseconds
from console.live import LiveLine
from console.widgets import Text, attribute, block, panel, text

_WIDTH, _HEIGHT, _FOOT = 400.0, 132.0, 22.0
Growth = list[tuple[float, float]]


class LatencyPanel:
    """Bars of equal width, one for each bucket; those that lie beyond the deadline are marked."""

    def __init__(self) -> None:
        self._drawn = ""
        with panel("Latency", note="trigger to decision; figures: last 500 items, bars: 30 s"):
            with block("dl", "quantiles"):
                self._figures = {name: _figure(name) for name in ("p50", "p95", "p99")}
            self._chart = ui.html("", sanitize=False).classes("chart")
            attribute(self._chart, "role", "img")

    def show(self, live: LiveLine) -> None:
        growth, deadline_ms = live.latency_growth(), live.status.get("deadline_ms")
        latency = live.status.get("latency_ms") or {}
        for name, figure in self._figures.items():
            value = latency.get(name)
            figure.set_text("–" if value is None else f"{milliseconds(value)} ms")
        drawn = histogram(growth, None if deadline_ms is None else deadline_ms / 1000)
        if drawn != self._drawn:
            self._drawn = drawn
            self._chart.set_content(drawn)
            items = sum(count for _, count in growth)
            attribute(self._chart, "aria-label", f"Histogram of the latencies of {items:.0f} items")


def histogram(growth: Growth, deadline_s: float | None) -> str:
    """An SVG of numbers alone. `growth`: (upper bound in seconds, items) of each bucket."""
    if not growth or not any(count for _, count in growth):
        return '<p class="empty">No item was decided in the last half minute.</p>'
    width, most = _WIDTH / len(growth), max(count for _, count in growth)
    lower_s = [0.0, *(bound for bound, _ in growth)]
    parts = [
        _bar(n, width, count, most, is_late=deadline_s is not None and low > deadline_s * 0.999999)
        for n, (low, (_, count)) in enumerate(zip(lower_s, growth, strict=False))
    ]
    parts += [
        f'<text class="tick" x="{(n + 1) * width:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{_bound(bound)}</text>"
        for n, (bound, _) in enumerate(growth[:-1])
        if n % 3 == 0
    ]
    if deadline_s is not None:
        parts.append(_deadline(growth, width, deadline_s))
    return f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" class="histogram">{"".join(parts)}</svg>'


def _bar(number: int, width: float, count: float, most: float, *, is_late: bool) -> str:
    room = _HEIGHT - _FOOT - 16
    height = room * count / most
    bar = (
        f'<rect class="{"late" if is_late else "in-time"}" x="{number * width + 2:.1f}" '
        f'y="{_HEIGHT - _FOOT - height:.1f}" width="{width - 4:.1f}" height="{height:.1f}" rx="2"/>'
    )
    if not count:
        return bar
    return bar + (
        f'<text class="count" x="{(number + 0.5) * width:.1f}" '
        f'y="{_HEIGHT - _FOOT - height - 4:.1f}" text-anchor="middle">{count:.0f}</text>'
    )


def _deadline(growth: Growth, width: float, deadline_s: float) -> str:
    """Where it lies within its bucket: after an order it is no bound of one any more."""
    bounds = [bound for bound, _ in growth[:-1]]
    at = next((n for n, bound in enumerate(bounds) if bound >= deadline_s * 0.999999), len(bounds))
    low = bounds[at - 1] if at else 0.0
    share = min(1.0, (deadline_s - low) / (bounds[at] - low)) if at < len(bounds) else 0.5
    x = (at + share) * width
    return (
        f'<line class="deadline" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT - _FOOT}"/>'
        f'<text class="deadline-word" x="{x - 6:.1f}" y="11" text-anchor="end">'
        f"deadline {_bound(deadline_s)}</text>"
    )


def _bound(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _figure(name: str) -> Text:
    with block("div", "quantile"):
        text("dt", name)
        return text("dd", "–")
