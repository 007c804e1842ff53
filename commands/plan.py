"""`run_line.py plan`: how many workers a belt needs, and how fast a belt may run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.options import Assignments, Config, ModelFile, Scenario
from commands.printing import out, shown
from commands.run_setup.settings import promising, settings_of
from line.errors import BadInput
from line.process.priority import usable_cores
from line.settings import Settings

if TYPE_CHECKING:
    from planner.plan.grid import Cell
    from planner.plan.run import OpenPool, Plan, Result
    from planner.profile import Profile

LIST = "numbers, or FROM:TO:STEP"


def plan(
    scenario: Scenario = "demo",
    profile: Annotated[
        list[Path] | None, typer.Option(help="repeat to compare models; not given: the newest")
    ] = None,
    model: ModelFile = None,
    belt_speed: Annotated[str | None, typer.Option(help=f"m/s: {LIST}")] = None,
    infeed: Annotated[
        str | None,
        typer.Option(help=f"items/min a lane: {LIST}; not given: items keep their distance"),
    ] = None,
    workers: Annotated[str | None, typer.Option(help=LIST)] = None,
    cameras: Annotated[str | None, typer.Option(help=LIST)] = None,
    threshold: Annotated[str | None, typer.Option(help=LIST)] = None,
    distance: Annotated[str | None, typer.Option(help=f"camera to ejector, m: {LIST}")] = None,
    grid: Annotated[
        Path | None, typer.Option(help="TOML file with such lists; options go before it")
    ] = None,
    in_time: Annotated[
        float | None, typer.Option(min=0, max=1, help="target: share answered in time")
    ] = None,
    recovery: Annotated[
        float | None, typer.Option(min=0, max=1, help="target: share that goes where it belongs")
    ] = None,
    draws: Annotated[
        int, typer.Option(min=5, max=1000, help="virtual runs of a combination that is not clear")
    ] = 99,
    duration: Annotated[float, typer.Option(min=1, help="belt time of a run, s")] = 60.0,
    core_each: Annotated[
        bool, typer.Option("--core-each", help="as on a machine with a core for each worker")
    ] = False,
    mtbf: Annotated[
        float | None, typer.Option(min=1, help="a worker fails after so long, mean, s")
    ] = None,
    mttr: Annotated[
        float | None, typer.Option(min=0.001, help="and is repaired after, mean, s")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="though this machine is not as it was measured")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="processes; not given: cores")] = None,
    placement: Annotated[
        Literal["local", "ray"],
        typer.Option(help="ray: on the cluster at placement.address, see docs/scale.md"),
    ] = "local",
    folder: Annotated[
        Path | None, typer.Option("--out", help="not given: a folder in results/plans/")
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Sweep belts and workers in virtual time: the fewest workers, the fastest belt, the margin."""
    from commands.plan_output.machine_now import doubts
    from commands.plan_output.options import defaults, failures_of, numbers, target_of
    from commands.plan_output.page import write_page
    from commands.plan_output.table import print_plan, write_csv
    from planner.plan.answer import with_a_core_each
    from planner.plan.grid import grid_of
    from planner.plan.run import Plan

    given = {"line.duration_s": duration, "placement.kind": "local"}  # no worker is started
    settings = settings_of(config, scenario, given, assignments)
    if placement == "ray" and jobs is not None:
        raise BadInput("--jobs: a cluster has as many as it has room for; leave it out")
    profiles, names = _profiles(settings, profile, model)
    settings = _promising(settings, profiles)
    chosen = grid_of(
        defaults(settings),
        grid,
        {
            "belt_speed_m_per_s": numbers("belt-speed", belt_speed),
            "items_per_min": numbers("infeed", infeed),
            "workers": numbers("workers", workers),
            "cameras": numbers("cameras", cameras),
            "threshold": numbers("threshold", threshold),
            "camera_to_ejector_m": numbers("distance", distance),
        },
    )
    target = target_of(in_time, recovery)
    machines = tuple(map(with_a_core_each, profiles)) if core_each else profiles
    failures = failures_of(mtbf, mttr)
    cells = chosen.cells(settings, [each.threshold for each in profiles])
    doubted = tuple(doubts(profiles, settings))
    if doubted and not anyway:
        raise BadInput(f"{doubted[0]}; or plan nevertheless: --anyway")
    what = Plan(settings, machines, target, draws, failures, doubted)
    results = _run(what, cells, jobs or usable_cores(), _pool(settings, placement))
    where = folder or _named(settings)
    write_csv(where / "plan.csv", results, names)
    shown_plan = replace(what, profiles=profiles)
    write_page(where / "plan.html", shown_plan, results, names, core_each)
    print_plan(shown_plan, results, names, core_each, out)
    out.print(f"\n{shown(where)}/plan.html  plan.csv")


def _profiles(
    settings: Settings, paths: list[Path] | None, model: Path | None
) -> tuple[tuple[Profile, ...], list[str]]:
    """The profiles, and names that tell them apart. Raises BadInput for one that does not fit."""
    from commands.plan_output.profiles import fitting_profile, names_of
    from planner.profile import newest

    files = paths or [newest(settings)]
    return tuple(fitting_profile(settings, file, model) for file in files), names_of(files)


def _pool(settings: Settings, placement: str) -> OpenPool | None:
    """Where the plan's runs are done; None: in processes of this machine."""
    if placement == "local":
        return None
    from placement.pool import RayPool

    return partial(RayPool, settings.placement)


def _promising(settings: Settings, profiles: tuple[Profile, ...]) -> Settings:
    """A promise is made for one model. Raises BadInput where there are several, or it fails."""
    first, *others = profiles
    if settings.decision.promise and any(p.short_hash != first.short_hash for p in others):
        raise BadInput("decision.promise: is for one model, and the profiles are of several")
    return promising(settings, first.short_hash, first.classes)


def _run(what: Plan, cells: list[Cell], jobs: int, open_pool: OpenPool | None) -> list[Result]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from planner.plan.answer import named_cells
    from planner.plan.run import run_plan

    columns = (BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("virtual runs", *columns, console=out, transient=True) as progress:
        task = progress.add_task("", total=None)

        def done(finished: int, wanted: int) -> None:
            progress.update(task, completed=finished, total=wanted)

        return run_plan(what, cells, jobs, done, named_cells, open_pool)


def _named(settings: Settings) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return Path(settings.results.dir).absolute() / "plans" / f"{stamp}-{settings.title}"
