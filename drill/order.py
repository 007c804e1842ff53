"""What is to be drilled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drill import plan
from drill.fault_injector import DISK_SUPPORTED
from line.errors import BadInput
from line.events import Event
from line.settings import Settings


@dataclass(frozen=True)
class Order:
    """One storm over one run. `settings` are what scenario and assignments lead to."""

    settings: Settings
    scenario: str
    assignments: Sequence[str]
    model: Path
    run_dir: Path
    faults: int
    wanted: Sequence[str]

    def __post_init__(self) -> None:
        """Raises BadInput if the belt has no end."""
        if not self.settings.line.duration_s:
            raise BadInput(
                "line.duration_s: a drill needs a scenario with a duration, or --minutes"
            )

    @property
    def kinds(self) -> list[str]:
        """What is wanted and can be done on this system."""
        return [kind for kind in self.wanted if kind != "disk" or DISK_SUPPORTED]

    @property
    def workers(self) -> int:
        assert isinstance(self.settings.line.workers, int)
        return self.settings.line.workers

    @cached_property
    def injections(self) -> list[plan.Injection]:
        """The plan: a function of the seed."""
        line = self.settings.line
        return plan.plan(self.kinds, self.faults, line.duration_s, line.seed)

    @property
    def events(self) -> tuple[Event, ...]:
        """The scenario's own and the plan's."""
        return (*self.settings.events, *plan.events(self.injections))

    def runner_options(self, model: Path) -> list[str]:
        """The runner's command line for these settings and faults, with another model."""
        line = self.settings.line
        return [
            f"--scenario={self.scenario}",
            *(f"--set={assignment}" for assignment in self.assignments),
            f"--set=line.seed={line.seed}",
            f"--set=line.workers={line.workers}",
            f"--set=line.duration_s={line.duration_s}",
            f"--set=events={_toml(self.events)}",
            f"--model={model}",
        ]


def parse_kinds(text: str | None) -> tuple[str, ...]:
    """The kinds in a text like `kill,stop`; None = all. Raises BadInput for an unknown one."""
    kinds = tuple(plan.KINDS) if text is None else tuple(k.strip() for k in text.split(","))
    for kind in kinds:
        if kind not in plan.KINDS:
            raise BadInput(f"--kinds: {kind!r} is not one of {', '.join(plan.KINDS)}")
    return kinds


def _toml(events: Sequence[Event]) -> str:
    """The events as a TOML array of inline tables."""
    tables = []
    for event in events:
        values = event.model_dump(mode="json")
        pairs = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        tables.append(f"{{ {', '.join(pairs)} }}")
    return f"[{', '.join(tables)}]"
