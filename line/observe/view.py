"""The terminal while the line runs: a live picture, a line a second, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from line.observe.live_picture import in_milliseconds, picture
from line.observe.status import Status
from line.outcome import Verdict


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
            f"p95 {in_milliseconds(status.stats.get('latency_ms', {}).get('p95'))}",
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
            self._live.update(picture(status, rate, self._console.width), refresh=True)


def _is_behind(console: Console) -> bool:
    """Whether what was shown before has not been taken yet: then a newer picture can wait."""
    return bool(getattr(console.file, "is_behind", False))
