"""The terminal while the line runs: a live picture, a line a second, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from line.observe.status import Status
from line.outcome import Verdict
from line.plain_text import plain

STYLES = {
    Verdict.SORTED: "green",
    Verdict.RESIDUE_OK: "cyan",
    Verdict.LOW_CONFIDENCE: "yellow",
    Verdict.MISSORTED: "magenta",
    Verdict.MISSED: "magenta",
    Verdict.LATE: "red",
    Verdict.EXPIRED: "red",
    Verdict.DROPPED: "red",
    Verdict.FAILED: "red",
}
_BAR_WIDTH = 22
_BELT_WIDTH = 50
_WIDTH = 78
"""Fits a terminal of 80 columns."""


class View(Protocol):
    """Shows a status; called several times a second."""

    def __call__(self, status: Status) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Rate:
    """Items a second over the last few seconds, from a running total."""

    def __init__(self, span_s: float = 3.0) -> None:
        self._span_s = span_s
        self._marks: list[tuple[float, int]] = []

    def update(self, total: int) -> float:
        now = monotonic()
        self._marks = [m for m in self._marks if m[0] > now - self._span_s] or [(now, total)]
        self._marks.append((now, total))
        (then, before), (_, after) = self._marks[0], self._marks[-1]
        return max(0.0, (after - before) / (now - then)) if now - then > 0.5 else 0.0


class QuietView:
    """Shows nothing."""

    def __call__(self, status: Status) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class SafeView(QuietView):
    """Another view, until that fails: a line does not end because it cannot be shown.

    `tell` is called once, with why.
    """

    def __init__(self, view: View, tell: Callable[[str], None]) -> None:
        self._view: View | None = view
        self._tell = tell

    def __enter__(self) -> Self:
        self._guard(lambda view: view.__enter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._guard(lambda view: view.__exit__())

    def __call__(self, status: Status) -> None:
        self._guard(lambda view: view(status))

    def _guard(self, call: Callable[[View], object]) -> None:
        if self._view is None:
            return
        try:
            call(self._view)
        except Exception as error:  # whatever it is, it is not worth the line
            failed, self._view = self._view, None
            with suppress(Exception):
                failed.__exit__()
            with suppress(Exception):
                self._tell(f"the view failed ({type(error).__name__}: {error})")


class PlainView(QuietView):
    """One line a second, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rate = Rate()
        self._next = 0.0

    def __call__(self, status: Status) -> None:
        now = monotonic()
        if now < self._next or _is_behind(self._console):
            return
        self._next = now + 1
        rate = self._rate.update(status.stats.get("classified", 0))
        verdicts = status.stats.get("verdicts", {})
        parts = [
            f"{status.shown_phase} {status.wall_s:.0f}s",
            f"fed {status.fed_to_show}",
            f"logged {status.stats.get('logged', 0)}",
            f"{rate:.1f} items/s",
            f"p95 {_ms(status.stats.get('latency_ms', {}).get('p95'))}",
            " ".join(f"{v} {verdicts[v]}" for v in Verdict if verdicts.get(v)),
        ]
        self._console.print(
            " | ".join(part for part in parts if part), highlight=False, soft_wrap=True
        )


class LiveView(QuietView):
    """A picture of the line that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._rate = Rate()
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, status: Status) -> None:
        now = monotonic()
        if now >= self._next and not _is_behind(self._console):
            self._next = now + 0.2
            rate = self._rate.update(status.stats.get("classified", 0))
            self._live.update(picture(status, rate), refresh=True)


def _is_behind(console: Console) -> bool:
    """Whether what was shown before has not been taken yet: then a newer picture can wait."""
    return bool(getattr(console.file, "is_behind", False))


def picture(status: Status, items_per_s: float) -> Panel:
    """The whole view as one renderable."""
    columns = Table.grid(padding=(0, 3))
    columns.add_row(_verdicts(status), _figures(status, items_per_s))
    clock = "as fast as possible" if status.clock == "max" else f"clock ×{status.clock:g}"
    return Panel(
        Group(_belt(status), Text(), columns, Text(), _processes(status), Text(), _alerts(status)),
        title=Text.assemble(("Scrapline", "bold"), f" · {plain(status.settings.title, 60)}"),
        subtitle=f"{status.shown_phase} · {status.wall_s:.0f} s · {clock} · Ctrl-C drains",
        width=_WIDTH,
    )


def _belt(status: Status) -> Text:
    """The belt from the side: load, photo-eye, ejector, residue end."""
    belt = status.settings.belt
    length_m = belt.infeed_to_camera_m + belt.camera_to_ejector_m + belt.ejector_to_end_m
    eye = min(int(_BELT_WIDTH * belt.infeed_to_camera_m / length_m), _BELT_WIDTH - 2)
    ejector = int(_BELT_WIDTH * (length_m - belt.ejector_to_end_m) / length_m)
    ejector = min(max(ejector, eye + 1), _BELT_WIDTH - 1)
    riding = sum(note["on_belt"] for note in status.belts.values())
    # Items seem to ride along: the phase of the pattern follows belt time.
    spacing = max(2, round(_BELT_WIDTH / riding)) if riding else 0
    shift = int(status.belt_s * status.belt_speed_m_per_s / length_m * _BELT_WIDTH)
    text = Text("infeed ")
    for cell in range(_BELT_WIDTH):
        if cell == eye:
            text.append("◉", "bold cyan")
        elif cell == ejector:
            text.append("▼", "bold yellow")
        elif spacing and (cell - shift) % spacing == 0:
            text.append("■", "green")
        else:
            text.append("━", "dim")
    return text.append(f" end  {riding} riding")


def _verdicts(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, title="verdicts", title_justify="left")
    table.add_column("")
    table.add_column("items", justify="right")
    table.add_column("")
    counts = status.stats.get("verdicts", {})
    total = max(1, status.stats.get("logged", 0))
    for verdict in Verdict:
        count = counts.get(verdict, 0)
        style = STYLES[verdict] if count else "dim"
        bar = ProgressBar(total, count, width=_BAR_WIDTH, complete_style=style)
        table.add_row(Text(verdict.value, style), str(count), bar)
    return table


def _figures(status: Status, items_per_s: float) -> Table:
    stats = status.stats
    latency = stats.get("latency_ms", {})
    accuracy = stats.get("accuracy")
    table = Table(box=None, pad_edge=False, show_header=False, title="line", title_justify="left")
    table.add_column("", style="dim")
    table.add_column("", justify="right")
    rows = [
        ("fed", f"{status.fed_to_show}"),
        ("logged", f"{stats.get('logged', 0)}"),
        ("throughput", f"{items_per_s:.1f} items/s"),
        ("latency p50", _ms(latency.get("p50"))),
        ("latency p95", _ms(latency.get("p95"))),
        ("deadline", _ms(status.deadline_ms)),
        ("accuracy", "–" if accuracy is None else f"{accuracy:.1%}"),
        ("waiting", f"{status.flow.get('waiting', 0)}"),
        ("for review", f"{status.queued}"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _processes(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for name, justify in (("process", "left"), ("state", "left"), ("pid", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("holds", justify="right")
    table.add_column("answered", justify="right")
    table.add_column("restarts", justify="right")
    loads = status.flow.get("loads", {})
    styles = {"ready": "green", "restarting": "red", "gone": "dim"}
    for process in status.processes:
        if process.role != "worker" and process.state == "ready" and process.incarnation == 1:
            continue  # only workers are worth a line when all is well
        holds, _ = loads.get(f"{process.name}#{process.incarnation}", ("", ""))
        answered = status.answered(process.name) if process.role == "worker" else ""
        restarts = max(0, process.incarnation - 1)
        table.add_row(
            process.name,
            Text(process.state, styles.get(process.state, "yellow")),
            str(process.pid or ""),
            str(holds),
            str(answered),
            Text(str(restarts), "red" if restarts else "dim"),
        )
    for name, (holds, _) in loads.items():
        if not name.startswith("worker-"):  # on another machine; it has no process here
            answered = status.answered(name.partition("#")[0])
            table.add_row(
                plain(name, 40), Text("remote", "green"), "", str(holds), str(answered), ""
            )
    return table


def _alerts(status: Status) -> Text:
    text = Text(f"alerts {status.alert_count}", "bold")
    for alert in list(status.incidents)[-2:]:
        text.append(f"\n  {plain(alert)}", "bold red")
    for alert in list(status.alerts)[-3:]:
        text.append(f"\n  {plain(alert)}", "yellow")
    return text


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"
