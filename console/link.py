"""Follows the line for the pages: one thread for its status, one for its feed.

Nothing is asked of the line's dispatcher unless somebody looks at the belt: the feed costs the line
nothing without a listener, so it is heard only while a page says that it draws it.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Self

from console.live import LiveLine
from console.run_end import read_end
from console.run_facts import RunFacts
from line.errors import BadInput
from line.observe.control_client import Control
from line.observe.observer import Observer

_TRY_S = 0.4
"""Between two tries to reach a line."""
_LISTEN_S = 0.1
_SHOWN_S = 10.0
"""A line that is alive tells of an order within a fraction of a second."""
_WATCHED_S = 2.0
"""A page draws the belt as long as it has said so within this time."""


class LineLink:
    """Context manager: owns the threads. `find` names the run folder to show, or None."""

    def __init__(self, find: Callable[[], Path | None]) -> None:
        self.live = LiveLine()
        self._find = find
        self._stop = threading.Event()
        self._runtime_dir: Path | None = None
        self._watched = 0.0
        self._threads = [
            threading.Thread(target=task, name=task.__name__, daemon=True)
            for task in (self._follow_status, self._follow_feed)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def is_alive(self) -> bool:
        """False after a bug has ended a thread: its traceback is printed, the console must end."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def run_dir(self) -> Path | None:
        """The run that is shown."""
        run = self.live.run
        return run.run_dir if run else None

    def draws_belt(self) -> None:
        """A page shows the belt; to be said again within two seconds."""
        self._watched = monotonic()

    def order(
        self, action: str, who: str, run_dir: Path | None = None, **facts: object
    ) -> dict[str, Any]:
        """Give the line an order; blocks until `live` shows what came of it, and returns that.

        `run_dir`: the run that it is meant for; without it the one that is shown.

        Raises:
            BadInput: if there is no line, or with the line's reason if it refuses.
        """
        meant = run_dir or self.run_dir
        if meant is None:
            raise BadInput("there is no run")
        with Control.of(meant) as control:
            done = control.order(action, who, **facts)
        self._follow_up_to(control.orders, meant)
        return done

    def _follow_up_to(self, orders: int, run_dir: Path) -> None:
        """Wait for a status that knows of so many orders; a line that ends tells no more."""
        deadline = monotonic() + _SHOWN_S
        while self.run_dir == run_dir and self.live.state == "running":
            if self.live.status.get("orders", 0) >= orders or monotonic() > deadline:
                return
            self._stop.wait(_LISTEN_S / 4)

    # -- status -----------------------------------------------------------------------------------

    def _follow_status(self) -> None:
        while not self._stop.is_set():
            if self._show(self._find()):
                self._stay_with_line()
            self._stop.wait(_TRY_S)

    def _show(self, run_dir: Path | None) -> bool:
        """Turn to a run folder; whether there is one that can be shown."""
        if run_dir == self.run_dir:
            return run_dir is not None
        try:
            self.live.show_run(RunFacts.load(run_dir) if run_dir else None)
            self.live.complaint = ""
        except BadInput as error:
            self.live.show_run(None)
            self.live.complaint = str(error)
        return self.run_dir is not None

    def _stay_with_line(self) -> None:
        """Hear its status until it is gone."""
        assert self.run_dir is not None
        try:
            with Control.of(self.run_dir) as control:
                control.watch()
                self._runtime_dir = control.runtime_dir
                self.live.reached()
                while not (control.ended or self._stop.is_set()):
                    for status in control.receive(timeout_s=_LISTEN_S):
                        self.live.hear_status(status)
        except BadInput:
            pass  # no line runs there, or not any more
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Whatever is at the other end is no line of this version; the next try may find one.
            self.live.complaint = f"{self.run_dir}: its line says what none would ({error!r})"
        finally:
            self._runtime_dir = None
            self.live.left(read_end(self.run_dir))

    # -- feed -------------------------------------------------------------------------------------

    def _follow_feed(self) -> None:
        while not self._stop.wait(_LISTEN_S):
            runtime_dir = self._runtime_dir
            if runtime_dir is not None and self._is_watched:
                self._hear_feed(runtime_dir)

    def _hear_feed(self, runtime_dir: Path) -> None:
        with Observer(runtime_dir) as observer:
            while self._runtime_dir == runtime_dir and self._is_watched:
                self.live.hear_feed(observer.receive(_LISTEN_S))
                if self._stop.wait(_LISTEN_S / 4):
                    return

    @property
    def _is_watched(self) -> bool:
        return monotonic() - self._watched < _WATCHED_S


def is_run_folder(path: Path) -> bool:
    """Whether a run was made there."""
    return _made(path) is not None


def newest_run(results: Path) -> Path | None:
    """The run folder in `results` that was made last; None if there is none."""
    try:
        made = {path: at for path in results.iterdir() if (at := _made(path)) is not None}
    except OSError:
        return None
    return max(made, key=made.__getitem__, default=None)


def _made(path: Path) -> float | None:
    """When a run was made there; None if none was, or if it may not be looked at."""
    try:
        found = (path / "settings.json").stat()
    except OSError:
        return None
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None
