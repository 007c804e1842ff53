"""People's word against the model's: labels for single items, or for the whole review queue."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.prompt import Prompt

from line.errors import BadInput
from line.model_facts import FILE, ModelFacts
from sinks.review_queue import ReviewQueue

_SKIP = ""


def record(run_dir: Path, frame_id: str, label: str, who: str) -> None:
    """Label one item of a run, queued or not.

    Raises:
        BadInput: if there is no such run or item, or the label is no class of the run's model.
    """
    classes = _classes(run_dir)
    if label not in classes:
        raise BadInput(f"{label!r} is not a class of this run ({', '.join(classes)})")
    if not _has_row(run_dir, frame_id):
        raise BadInput(f"{run_dir}: has no item {frame_id!r} in results.csv")
    with ReviewQueue(run_dir / "review") as queue:
        queue.label(frame_id, label, who)


def ask(run_dir: Path, who: str, console: Console) -> int:
    """Ask on the terminal what each queued, unlabelled item is; returns how many were labelled."""
    classes = _classes(run_dir)
    labelled = 0
    with ReviewQueue(run_dir / "review") as queue:
        known = queue.labels()
        waiting = [item for item in queue.items() if item.frame_id not in known]
        console.print(f"{len(waiting)} items wait for a label. Return skips, Ctrl-C ends.")
        for number, item in enumerate(waiting, 1):
            image = queue.folder / item.image
            console.print(f"\n{number}/{len(waiting)}  {image}  {item.top3}", markup=False)
            answer = _answer(classes, console)
            if answer is None:
                break
            if answer != _SKIP:
                queue.label(item.frame_id, answer, who)
                labelled += 1
    console.print(f"\n{labelled} items labelled")
    return labelled


def _answer(classes: tuple[str, ...], console: Console) -> str | None:
    try:
        return Prompt.ask(
            "class", choices=[*classes, _SKIP], default=_SKIP, show_default=False, console=console
        )
    except (KeyboardInterrupt, EOFError):
        return None


def _classes(run_dir: Path) -> tuple[str, ...]:
    if not (run_dir / "results.csv").is_file():
        raise BadInput(f"{run_dir}: not a run folder (no results.csv)")
    try:
        return ModelFacts.load(run_dir).classes
    except (OSError, ValidationError):
        raise BadInput(f"{run_dir / FILE}: missing or damaged") from None


def _has_row(run_dir: Path, frame_id: str) -> bool:
    with (run_dir / "results.csv").open(encoding="utf-8") as rows:
        next(rows, None)  # the header
        return any(row.partition(",")[0] == frame_id for row in rows)
