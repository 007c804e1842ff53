"""The row of figures that can be read from two metres away: what an operator steers by."""

from __future__ import annotations

from typing import Any

from console.line_page.elapsed import clock, remaining
from console.line_page.trend import tonnes
from console.live import LiveLine
from console.widgets import Figure, attribute, block
from line.observe.percent import percent

_LATE_SHARE = 0.95
"""Below this share in time the number is shown as bad."""
_LATELY_S = 60.0


class FiguresPanel:
    """Throughput, punctuality, time, latency, accuracy, what waits, what is to be reviewed."""

    def __init__(self) -> None:
        with block("section", "figures") as region:
            attribute(region, "aria-label", "Figures")
            self._mass = Figure(
                "Throughput",
                "t/h",
                "Mass of the items with a row ÷ belt time, over the last minute",
            )
            self._rate = Figure("Items", "a second", "Rows written a second, over 3 s")
            self._in_time = Figure(
                "In time, last minute",
                "",
                "Items decided before their deadline ÷ all items with a row, over the last minute",
            )
            self._elapsed = Figure(
                "Elapsed", "", "Wall time since belt second 0, and until the last item is fed"
            )
            self._latency = Figure(
                "Latency, p95", "ms", "Trigger at the photo-eye to the decision; last 500 items"
            )
            self._accuracy = Figure(
                "Accuracy", "", "Right class ÷ items classified whose class is known"
            )
            self._waiting = Figure(
                "Waiting", "frames", "Frames that wait for a worker, and those kept by the cameras"
            )
            self._review = Figure("To review", "items", "Doubtful items in the review queue")

    def show(self, live: LiveLine) -> None:
        status = live.status
        if not status:
            return
        self._rate.show(f"{live.items_per_s:.1f}", f"{status['logged']:,} of {status['fed']:,} fed")
        self._show_mass(live)
        self._show_in_time(live)
        self._elapsed.show(clock(float(status.get("wall_s") or 0.0)), remaining(live))
        self._show_latency(live)
        self._accuracy.show(percent(status.get("accuracy")), "of the classified items")
        self._show_queues(live)
        self._review.show(f"{status['review_queue']:,}", _alarms(status["alerts"]))

    def _show_mass(self, live: LiveLine) -> None:
        lately, whole = live.history.last(_LATELY_S), live.counted
        note = f"{tonnes(whole.t_per_h)} t/h since the start" if whole else ""
        self._mass.show(tonnes(lately.t_per_h if lately else None), note)

    def _show_in_time(self, live: LiveLine) -> None:
        """Where there is no deadline nothing is in time, or late."""
        lately, whole = live.history.last(_LATELY_S), live.counted
        if live.status.get("deadline_ms") is None or whole is None:
            self._in_time.show("–", "no deadline")
            return
        share = lately.in_time_share if lately else None
        lost = (
            f"whole run {percent(whole.in_time_share)}, {whole.rows - whole.in_time:,} not in time"
        )
        self._in_time.show(percent(share), lost, bad=share is not None and share < _LATE_SHARE)

    def _show_latency(self, live: LiveLine) -> None:
        latency, deadline = live.status.get("latency_ms") or {}, live.status.get("deadline_ms")
        p95 = latency.get("p95")
        note = "no deadline" if deadline is None else f"deadline {deadline:.0f} ms"
        bad = p95 is not None and deadline is not None and p95 > deadline
        self._latency.show("–" if p95 is None else milliseconds(p95), note, bad=bad)

    def _show_queues(self, live: LiveLine) -> None:
        queues, limit = live.status["queues"], live.status["window_frames"]
        kept = max(queues["windows"].values(), default=0)
        full = kept >= limit
        self._waiting.show(
            f"{queues['waiting']:,}",
            f"camera window {kept} of {limit}, {queues['held']} held",
            bad=full,
        )


def _alarms(alerts: dict[str, Any]) -> str:
    standing = len(alerts["standing"])
    stand = "1 alarm stands" if standing == 1 else f"{standing} alarms stand"
    return stand if standing else "no alarm stands"


def milliseconds(value: float) -> str:
    """Three digits that matter."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
