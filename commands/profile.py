"""`run_line.py profile`: measure this machine and a model, for the planner."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import Assignments, Config, ModelFile, Scenario
from commands.printing import err, out, shown
from commands.run_setup.settings import checked_model, decided, settings_of
from line.process.priority import usable_cores

if TYPE_CHECKING:
    from line.settings import Settings
    from planner.profile import Profile
    from workers.model import Model

_LOOK_S = 1.0
"""Time in which the machine shows whether it is idle."""
_MOST_LOOKS = 20
_BUSY = 0.1
"""Of the cores, kept busy by others."""


def profile(
    scenario: Scenario = "demo",
    model: ModelFile = None,
    source: Annotated[str | None, typer.Option(help="procedural, or a folder of classes")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="most to measure; not given: one a core")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="belt time of each load")] = 6.0,
    file: Annotated[
        Path | None, typer.Option("--out", help="not given: a name in results/profiles/")
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Measure what the planner must know of this machine: runs the line for some minutes."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from planner.measure.measurement import measure
    from planner.measure.this_machine import bare_inference_s
    from planner.profile import FOLDER

    options: dict[str, object | None] = {
        "model.path": None if model is None else str(model),
        "source.spec": source,
        "line.workers": workers or "auto",
    }
    settings = settings_of(config, scenario, options, assignments)
    loaded = checked_model(settings)
    threshold = _own_threshold(settings, loaded)
    size_px = loaded.takes.within(settings.camera.height_px, settings.camera.width_px)
    settings = decided(settings, loaded)
    assert isinstance(settings.line.workers, int)
    beside = _wait_until_calm(usable_cores())
    path = file or _named(Path(settings.results.dir) / FOLDER, Path(loaded.facts.path).stem)
    bar = BarColumn(24)
    columns = (bar, TextColumn("{task.completed}/{task.total} {task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=out, transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def tell(step: int, steps: int, what: str) -> None:
            progress.update(task, total=steps, completed=step, description=what)
            if not out.is_terminal:
                out.print(f"{step}/{steps} {what}")

        measured = measure(
            settings,
            loaded.facts,
            threshold=threshold,
            bare_s=lambda: bare_inference_s(loaded.classify, size_px, min(_LOOK_S, seconds / 6)),
            workers=settings.line.workers,
            run_s=seconds,
            beside=beside,
            tell=tell,
            watch=lambda status: None,
        )
    measured.store(path)
    _print(measured)
    out.print(f"\n{shown(path)}")


def _own_threshold(settings: Settings, model: Model) -> float:
    """The model file's own, whatever is set; the setting's where the file names none.

    Raises:
        BadInput: if neither is a number from 0 to 1.
    """
    setting = settings.decision.threshold
    if setting == "model" or model.named_threshold is not None:
        return model.threshold
    return setting


def _named(folder: Path, model: str) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return folder.absolute() / f"{stamp}-{model}.json"


def _wait_until_calm(cores: int) -> float | None:
    """Cores that others keep busy: not many, or not fewer for a while.

    The figures are wrong where others take the cores.
    """
    from planner.measure.this_machine import busy_cores

    for look in range(_MOST_LOOKS):
        beside = busy_cores(_LOOK_S)
        if beside is None or beside <= _BUSY * cores:
            return beside
        if not look:
            err.print(
                f"other programs keep {beside:.1f} of {cores} cores busy; waiting for them up to "
                f"{_MOST_LOOKS * _LOOK_S:.0f} s",
                soft_wrap=True,
            )
    err.print(
        f"warning: other programs keep {beside:.1f} of {cores} cores busy; "
        "what is measured beside them is too slow",
        style="yellow",
        soft_wrap=True,
    )
    return beside


def _print(measured: Profile) -> None:
    from rich.table import Table

    from planner.profile import quantile

    machine = measured.machine
    out.print(
        f"{machine.cpu}, {machine.cores} cores, Python {machine.python}, "
        f"ONNX Runtime {machine.onnxruntime}\n"
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("an inference", "items/s", "median", "95 %"):
        table.add_column(heading, justify="left" if heading == "an inference" else "right")
    for entry in measured.service:
        what = f"{entry.busy} of {entry.workers or 'any'} busy"
        what += f", batch of {entry.batch}" if entry.batch > 1 else ""
        table.add_row(
            what,
            f"{entry.items_per_s:.1f}",
            f"{quantile(entry.ms, 0.5):.2f} ms",
            f"{quantile(entry.ms, 0.95):.2f} ms",
        )
    out.print(table)
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _facts(measured):
        facts.add_row(name, value)
    out.print()
    out.print(facts)


def _facts(measured: Profile) -> list[tuple[str, str]]:
    """Medians of what is not an inference."""
    from planner.profile import quantile

    samples = measured.latency_samples[0].items
    times_ms = {
        "a bare inference": (measured.inference_ms,),
        **{f"between two inferences of {t.workers}": t.ms for t in measured.turnaround},
        "photo-eye to worker, idle": sorted(
            sample.publish_ms + sample.to_worker_ms for sample in samples
        ),
        "answer to decision": sorted(sample.decision_ms for sample in samples),
        "decision to acknowledgement": measured.acknowledged_ms,
        "making a picture": measured.picture_ms,
    }
    times_s = {"start of the workers": measured.start_s, "restart of one": measured.restart_s}
    return [
        *((name, f"{quantile(values, 0.5):.2f} ms") for name, values in times_ms.items()),
        *((name, f"{quantile(values, 0.5):.2f} s") for name, values in times_s.items()),
        ("the machine's slowness", _slowness(measured)),
        ("answers kept", str(sum(map(len, measured.answers.values())))),
    ]


def _slowness(measured: Profile) -> str:
    """How much longer inferences took in some stretches of the measurement than at first."""
    from planner.profile import BLOCK_S

    found = measured.slowness
    if not found:
        return "not seen"
    return f"{min(found):.2f} to {max(found):.2f} times as at first, over {BLOCK_S:g} s each"
