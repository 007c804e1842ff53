"""People's word against the model's: labels for single items, or for the whole review queue."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.prompt import Prompt

from line.errors import BadInput
from line.run_files.review_file import ReviewFile
from line.run_files.run_folder import classes_of, row_of

_SKIP = ""


def record(run_dir: Path, frame_id: str, label: str, who: str) -> None:
    """Label one item of a run, queued or not.

    Raises:
        BadInput: if there is no such run or item, or the label is no class of the run's model.
    """
    classes = classes_of(run_dir)
    if label not in classes:
        raise BadInput(f"{label!r} is not a class of this run ({', '.join(classes)})")
    row_of(run_dir, frame_id)
    with ReviewFile(run_dir / "review") as queue:
        queue.label(frame_id, label, who)


def ask(run_dir: Path, who: str, console: Console) -> int:
    """Ask on the terminal what each queued, unlabelled item is; returns how many were labelled."""
    classes = classes_of(run_dir)
    labelled = 0
    with ReviewFile(run_dir / "review") as queue:
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
