"""The drawing of the belt: a canvas in the browser, told of news and of the belt's speed."""

from __future__ import annotations

from time import monotonic

from nicegui.element import Element

from console.live import LiveLine
from console.run_facts import RunFacts
from console.verdict_marks import MARKS

_PALE = {"sorted", "failed", "expired", "missorted"}
"""Verdicts whose colour is dark enough for a white letter."""
MOST_UNDER_CHUTES = 8
"""Cards that stand in one row, each under its chute; more of them stand in rows without."""
_ENDS = {
    "finished": "The run has finished.",
    "drained": "The run was drained and has ended.",
    "stopped": "The run was stopped.",
    "died": "The run has died.",
    "cut off": "The run was cut off: its runner is gone.",
    "ending": "The run is ending …",
}


class BeltView(Element, component="belt_view.js"):
    """The belt of one run, to scale; `follow` is to be called a few times a second."""

    def __init__(self, run: RunFacts) -> None:
        super().__init__()
        self._run = run
        self._number = 0
        settings = run.settings
        self.props["layout"] = {
            "lanes": settings.line.cameras,
            "camera": run.camera_m,
            "ejector": run.ejector_m,
            "end": run.end_m,
            "deadline": run.deadline_m(settings.belt.speed_m_per_s),
            "paced": settings.line.speed != "max",
            "spacing": settings.belt.speed_m_per_s * 60 / settings.infeed.items_per_min,
            "bins": list(run.bins),
            "residue": settings.belt.residue_class,
            "spread": len(run.bins) + bool(settings.belt.residue_class) <= MOST_UNDER_CHUTES,
            "marks": {
                mark.verdict.value: {
                    "shape": mark.shape,
                    "letter": mark.letter,
                    "pale": mark.verdict.value in _PALE,
                }
                for mark in MARKS
            },
        }
        self.props["label"] = (
            f"The belt from above, {run.end_m:g} m: infeed, photo-eye at {run.camera_m:g} m, "
            f"ejectors at {run.ejector_m:g} m; {settings.line.cameras} lanes"
        )

    def follow(self, live: LiveLine) -> None:
        """Send what is new since last time."""
        self._number, news = live.news_since(self._number)
        self.run_method(
            "tell",
            monotonic(),
            live.wall_speed_m_per_s,
            self._run.deadline_m(live.belt_speed_m_per_s),
            standstill(live),
            news,
        )


def standstill(live: LiveLine) -> str:
    """Words over a belt on which nothing moves; empty while it runs."""
    match live.state:
        case "reaching":
            return "Reaching the line …"
        case "silent":
            return f"The line has been silent for {live.silent_s:.0f} s. Waiting for it …"
        case "over":
            return _ENDS.get(live.end.how if live.end else "", "No line is running here.")
    if stalled_s := live.stalled_s:
        return f"Nothing has been decided for {stalled_s:.0f} s, though items wait …"
    phase = live.status.get("phase")
    if phase == "starting":
        return f"The line is {live.status.get('shown_phase', phase)} …"
    return "The line is stopping …" if phase == "stopping" else ""
