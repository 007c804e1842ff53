"""A run that goes on, compared with how it began."""

from __future__ import annotations

from training.checkpoint import Checkpoint
from training.errors import BadInput
from training.settings import flag_name
from training.train.options import TrainSettings

NOT_OF_THE_RUN = frozenset({"out", "resume"})


def check_same_network(settings: TrainSettings, start: Checkpoint) -> None:
    """Raise BadInput where the network is to be another one than that of the run."""
    for option in ("backbone", "head"):
        was, wanted = start.settings[option], getattr(settings, option)
        if was != wanted:
            raise BadInput(f"--resume: {settings.out} was trained with --{option} {was}")


def changes(settings: TrainSettings, start: Checkpoint) -> str | None:
    """A line that names every option that is not as it was; None if all are."""
    now = settings.model_dump(mode="json", exclude=set(NOT_OF_THE_RUN))
    changed = [
        f"{flag_name(name)} {_text(value)} (was {_text(start.settings[name])})"
        for name, value in now.items()
        if name in start.settings and start.settings[name] != value
    ]
    if not changed:
        return None
    return f"--resume: from epoch {len(start.history) + 1} on with {', '.join(changed)}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)
