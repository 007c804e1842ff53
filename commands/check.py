"""`run_line.py check`: validate everything, run nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import Assignments, Config, ModelFile, Scenario
from commands.printing import err, out, shown
from commands.run_setup.settings import checked_model, decided, settings_of
from line.plain_text import plain


def check(
    config: Config = None,
    scenario: Scenario = None,
    model: ModelFile = None,
    source: Annotated[str | None, typer.Option(help="as for run")] = None,
    assignments: Assignments = None,
) -> None:
    """Validate configuration, scenario, source and model, without running anything."""
    options: dict[str, object | None] = {
        "model.path": None if model is None else str(model),
        "source.spec": source,
    }
    settings = settings_of(config, scenario, options, assignments)
    loaded = checked_model(settings)
    settings = decided(settings, loaded)
    out.print(f"settings  ok  {settings.title}: {settings.line.workers} workers")
    out.print(f"source    ok  {settings.source.spec}")
    names = ", ".join(loaded.facts.classes)
    out.print(f"model     ok  {shown(Path(loaded.facts.path))} ({names})")
    reason = f" ({loaded.facts.engine_reason})" if loaded.facts.engine_reason else ""
    out.print(f"engine    ok  {loaded.facts.engine}{plain(reason)}", soft_wrap=True)
    for doubt in loaded.doubts:
        err.print(f"warning: the model {doubt}", style="yellow", soft_wrap=True, markup=False)
    out.print(f"threshold ok  {settings.decision.threshold}")
    if settings.decision.novelty_energy != "off":
        out.print(f"novelty   ok  energy up to {settings.decision.novelty_energy:g}")
    for each in settings.decision.promised:
        out.print(
            f"promise   ok  {each.class_name} {each.purity:g}: from {each.threshold:.4f} on, "
            f"{each.wrong} of {each.reach} labels are wrong"
        )
