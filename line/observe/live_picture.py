"""The picture of a running line in a terminal, as wide as the terminal is."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from line.events import Drift
from line.observe.percent import percent
from line.observe.status import Status
from line.outcome import Verdict
from line.pace import belt_pace
from line.plain_text import plain
from line.process.control_channel import ControlMessage

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
_WIDEST = 140
"""Wider than that, the eye has to search."""
_FRAME = 4
_NARROW = 70
"""Columns inside the frame below which figures stand under verdicts, and bars are left out."""
_LONGEST_BAR = 60
_MOST_LANES = 4
_MOST_ALARMS = 3
_BESIDE_THE_BAR = 54
"""Columns that verdicts, their counts and the figures take."""


def picture(status: Status, items_per_s: float, width: int) -> Panel:
    """The whole view as one renderable, at most `width` columns wide."""
    inner = min(width, _WIDEST) - _FRAME
    clock = "as fast as possible" if status.clock == "max" else f"clock ×{status.clock:g}"
    parts: list[RenderableType] = [*_belts(status, inner), Text()]
    if inner < _NARROW:
        parts += [_verdicts(status, 0), Text(), _figures(status, items_per_s)]
    else:
        columns = Table.grid(padding=(0, 3))
        bar = min(inner - _BESIDE_THE_BAR, _LONGEST_BAR)
        columns.add_row(_verdicts(status, bar), _figures(status, items_per_s))
        parts.append(columns)
    parts += [Text(), _processes(status, is_narrow=inner < _NARROW), Text(), _alerts(status)]
    return Panel(
        Group(*parts),
        title=Text.assemble(("Scrapline", "bold"), f" · {plain(status.settings.title, 60)}"),
        subtitle=f"{status.shown_phase} · {status.wall_s:.0f} s · {clock} · Ctrl-C drains",
        width=inner + _FRAME,
    )


def _belts(status: Status, width: int) -> list[Text]:
    """A lane a line, as far as there is room."""
    lanes = [(int(name.rpartition("-")[2]), note) for name, note in status.belts.items()]
    lanes.sort(key=lambda lane: lane[0])
    if not lanes:
        return [_belt(status, 0, {"on_belt": 0, "belt_s": 0.0}, width)]
    drawn = [_belt(status, lane, note, width) for lane, note in lanes[:_MOST_LANES]]
    more = len(lanes) - _MOST_LANES
    return [*drawn, Text(f"and {more} lanes more", "dim")] if more > 0 else drawn


def _belt(status: Status, lane: int, note: ControlMessage, width: int) -> Text:
    """A belt from the side: its items, photo-eye, ejector and end."""
    belt = status.settings.belt
    before, behind = "infeed ", f" end {note['on_belt']:4} riding"
    cells = width - len(before) - len(behind)
    length_m = belt.infeed_to_camera_m + belt.camera_to_ejector_m + belt.ejector_to_end_m
    eye = min(int(cells * belt.infeed_to_camera_m / length_m), cells - 2)
    ejector = int(cells * (length_m - belt.ejector_to_end_m) / length_m)
    ejector = min(max(ejector, eye + 1), cells - 1)
    items = {int(cells * place_m / length_m) for place_m in _places_m(status, lane, note)}
    text = Text(before, no_wrap=True)
    for cell in range(cells):
        if cell == eye:
            text.append("◉", "bold cyan")
        elif cell == ejector:
            text.append("▼", "bold yellow")
        elif cell in items:
            text.append("■", "green")
        else:
            text.append("━", "dim")
    return text.append(behind)


def _places_m(status: Status, lane: int, note: ControlMessage) -> list[float]:
    """Where the items on a belt are, in metres from the infeed."""
    drifts = [e for e in status.settings.events if isinstance(e, Drift) and e.index == lane]
    speed = status.settings.belt.speed_m_per_s
    pace = belt_pace(speed, drifts, status.overrides.changes)
    return [pace.amount(fed_s, note["belt_s"]) for fed_s in note.get("riding_since", ())]


def _verdicts(status: Status, bar_cells: int) -> Table:
    """Without bars there is little room: verdicts that have not been given are left out."""
    table = Table(box=None, pad_edge=False, title="verdicts", title_justify="left")
    table.add_column("")
    table.add_column("items", justify="right")
    counts = status.stats.get("verdicts", {})
    total = max(1, status.stats.get("logged", 0))
    for verdict in Verdict:
        count = counts.get(verdict, 0)
        style = STYLES[verdict] if count else "dim"
        if bar_cells:
            bar = ProgressBar(total, count, width=bar_cells, complete_style=style)
            table.add_row(Text(verdict.value, style), str(count), bar)
        elif count:
            table.add_row(Text(verdict.value, style), str(count))
    return table


def _figures(status: Status, items_per_s: float) -> Table:
    stats = status.stats
    latency = stats.get("latency_ms", {})
    table = Table(box=None, pad_edge=False, show_header=False, title="line", title_justify="left")
    table.add_column("", style="dim")
    table.add_column("", justify="right")
    rows = [
        ("fed", f"{status.fed_to_show}"),
        ("logged", f"{stats.get('logged', 0)}"),
        ("throughput", f"{items_per_s:.1f} items/s"),
        ("latency p50", in_milliseconds(latency.get("p50"))),
        ("latency p95", in_milliseconds(latency.get("p95"))),
        ("deadline", in_milliseconds(status.deadline_ms)),
        ("accuracy", percent(stats.get("accuracy"))),
        ("waiting", f"{status.flow.get('waiting', 0)}"),
        ("for review", f"{status.queued}"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _processes(status: Status, *, is_narrow: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1 if is_narrow else 2))
    table.add_column("process", overflow="ellipsis", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for name in ("answered", "restarts") if is_narrow else ("pid", "holds", "answered", "restarts"):
        table.add_column(name, justify="right", no_wrap=True)
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
            *(() if is_narrow else (str(process.pid or ""), str(holds))),
            str(answered),
            Text(str(restarts), "red" if restarts else "dim"),
        )
    for name, (holds, _) in loads.items():
        if not name.startswith("worker-"):  # on another machine; it has no process here
            answered = status.answered(name.partition("#")[0])
            middle = () if is_narrow else ("", str(holds))
            table.add_row(plain(name, 40), Text("remote", "green"), *middle, str(answered), "")
    return table


def _alerts(status: Status) -> Text:
    """The alarms that stand, then the last events about the line, and about items."""
    standing = [str(alarm["text"]) for alarm in status.standing_alarms]
    text = Text(f"alarms {len(standing)} · events {status.alert_count}", "bold")
    for alarm in standing[:_MOST_ALARMS]:
        text.append(f"\n  {plain(alarm)}", "bold red")
    for limit in status.machine_limits():
        text.append(f"\n  the machine is the limit: {limit}", "yellow")
    for event in [e for e in status.incidents if e not in standing][-2:]:
        text.append(f"\n  {plain(event)}", "bold")
    for alert in list(status.alerts)[-3:]:
        text.append(f"\n  {plain(alert)}", "yellow")
    return text


def in_milliseconds(value: float | None) -> str:
    """With a digit behind the point where it matters; a dash for None."""
    return "–" if value is None else f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"
