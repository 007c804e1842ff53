"""How far a run is, and how long it will take."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# Long enough to span the pauses in which an epoch is judged.
SPEED_PERIOD_S = 600


class RunBar:
    """A bar over all steps of a run, with the time left; nothing where there is no terminal.

    In a log it would only leave empty lines.
    """

    def __init__(self, console: Console, epochs: int, steps: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            speed_estimate_period=SPEED_PERIOD_S,
        )
        self._task = self._bar.add_task("", total=epochs * steps)

    def __enter__(self) -> RunBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def start_epoch(self, epoch: int) -> None:
        """`epoch` counts from 0."""
        name = f"epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, description=name, completed=epoch * self._steps)

    def advance(self) -> None:
        """One step is done."""
        self._bar.advance(self._task)


def epoch_line(row: dict[str, float], epochs: int) -> str:
    """One epoch's figures, and the time left if the others take as long."""
    figures = [
        f"{name} {value:.4g}" if name == "rate" else f"{name} {value:.4f}"
        for name, value in row.items()
        if name not in {"epoch", "seconds"}
    ]
    line = f"epoch {row['epoch']:.0f}/{epochs}  {'  '.join(figures)}  {row['seconds']} s"
    left_s = row["seconds"] * (epochs - row["epoch"])
    return f"{line}, {timedelta(seconds=round(left_s))} left" if left_s else line
