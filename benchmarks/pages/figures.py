"""What the console costs, as figures: in tables for people, and as plain values for a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from benchmarks.loaded_line import Counted, Load
from drill.page import Table

PAGES = 3


@dataclass(frozen=True)
class Round:
    """Measured one after the other."""

    without: Counted
    beside: Counted

    @property
    def ratio(self) -> float:
        """Items decided a second, with the console and its pages ÷ without."""
        return self.beside.per_s / self.without.per_s


@dataclass
class Watch:
    """The long run. Memory in MB, every two seconds."""

    per_s: float = 0.0
    longest_gap_s: float = 0.0
    age_ms: tuple[float, float] = (0.0, 0.0)
    memory_mb: list[float] = field(default_factory=list)
    processor_share: float = 0.0
    false_alarms: int = 0
    answers_after_s: list[float] = field(default_factory=list)
    pages_after_s: list[float] = field(default_factory=list)
    lost: int = 0
    duplicates: int = 0

    @property
    def growth(self) -> float:
        """Memory of the last sixth of the time ÷ of the second one, less 1; medians."""
        sixth = max(1, len(self.memory_mb) // 6)
        second, last = self.memory_mb[sixth : 2 * sixth], self.memory_mb[-sixth:]
        return median(last) / median(second or last) - 1


def turns_table(rounds: list[Round], load: Load, busy: float) -> Table:
    """`busy`: the load average before the first turn."""
    rows = [
        (
            str(number),
            f"{r.without.per_s:.1f}",
            f"{r.beside.per_s:.1f}",
            f"{r.ratio:.3f}",
            f"{100 * r.without.in_time:.2f} %",
            f"{100 * r.beside.in_time:.2f} %",
            f"{r.without.p95_ms:.1f} ms",
            f"{r.beside.p95_ms:.1f} ms",
        )
        for number, r in enumerate(rounds, 1)
    ]
    return Table(
        f"{load.workers} workers, {load.items_per_s:.1f} items/s fed; without the console, with it "
        f"and {PAGES} open pages",
        ("round", "decided/s", "with", "ratio", "in time", "with", "latency p95", "with"),
        rows,
        ("median", "", "", f"{median(r.ratio for r in rounds):.3f}", "", "", "", ""),
    ).with_note(f"Load average before the first turn: {busy:.1f}.")


def watch_table(watch: Watch, minutes: float) -> Table:
    typical_ms, p95_ms = watch.age_ms
    rows = [
        ("the slowest page is told what is new", f"{watch.per_s:.2f} times a second"),
        ("longest time without", f"{watch.longest_gap_s:.2f} s"),
        (
            "from a decision to its picture on the screen, median and p95",
            f"{typical_ms:.0f} ms and {p95_ms:.0f} ms",
        ),
        ("pages that said the console was silent", str(watch.false_alarms)),
        ("processor time of the console", f"{100 * watch.processor_share:.1f} % of a core"),
        (
            "its memory, first and last",
            f"{watch.memory_mb[0]:.1f} and {watch.memory_mb[-1]:.1f} MB",
        ),
        ("growth behind the first sixth of the time", f"{100 * watch.growth:+.2f} %"),
        (
            f"killed {len(watch.answers_after_s)} times: it answers after",
            _all(watch.answers_after_s),
        ),
        ("all pages go on after", _all(watch.pages_after_s)),
        ("rows lost, rows written twice", f"{watch.lost} and {watch.duplicates}"),
    ]
    return Table(f"{PAGES} open pages for {minutes:g} minutes", ("", "figure"), rows)


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds) + " s"


def facts(rounds: list[Round], watch: Watch, load: Load, busy: float) -> dict[str, object]:
    return {
        "ratio": round(median(r.ratio for r in rounds), 4),
        "items_per_s": round(load.items_per_s, 2),
        "load_average": round(busy, 2),
        "rounds": [
            {
                "per_s": [round(t.per_s, 2) for t in (r.without, r.beside)],
                "in_time": [t.in_time for t in (r.without, r.beside)],
                "latency_p95_ms": [t.p95_ms for t in (r.without, r.beside)],
            }
            for r in rounds
        ],
        "told_per_s": round(watch.per_s, 3),
        "longest_gap_s": round(watch.longest_gap_s, 3),
        "age_p50_ms": round(watch.age_ms[0], 1),
        "age_p95_ms": round(watch.age_ms[1], 1),
        "false_alarms": watch.false_alarms,
        "processor_share": round(watch.processor_share, 4),
        "memory_mb": [round(value, 2) for value in watch.memory_mb],
        "memory_growth": round(watch.growth, 5),
        "answers_after_s": [round(value, 2) for value in watch.answers_after_s],
        "pages_after_s": [round(value, 2) for value in watch.pages_after_s],
        "lost": watch.lost,
        "duplicates": watch.duplicates,
    }
