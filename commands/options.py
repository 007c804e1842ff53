"""Options that several commands take, how their texts are read, and which run is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from line.config import load
from line.errors import BadInput
from line.run_files.process_list import ProcessList, living

Config = Annotated[Path | None, typer.Option(help="TOML file over the shipped config.toml")]
Scenario = Annotated[str | None, typer.Option(help="name in scenarios/ or a TOML file")]
ModelFile = Annotated[Path | None, typer.Option(help=".onnx or .ts file, or a folder with one")]
Threshold = Annotated[
    float | None, typer.Option(help="less sure: left on the belt, 0..1; not given: the model's own")
]
NoveltyEnergy = Annotated[
    str | None,
    typer.Option(help="stranger: left on the belt; an energy, model (as its file says) or off"),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="section.key=value; may be repeated")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON only")]


def running_run(named: Path | None) -> Path:
    """`named`, or the newest run in `results.dir` that takes orders.

    Raises:
        BadInput: if none does.
    """
    if named is not None:
        return named
    results = Path(load().results.dir).absolute()
    found = [path.parent for path in results.glob("*/processes.json") if _takes_orders(path)]
    if not found:
        raise BadInput(f"{results}: no line is running there; name the folder of its run")
    return max(found, key=_made)


def _made(run_dir: Path) -> float:
    """Wall clock's seconds."""
    try:
        return (run_dir / "settings.json").stat().st_mtime
    except OSError:
        return 0.0


def _takes_orders(processes: Path) -> bool:
    run_dir = processes.parent
    return ProcessList.found(run_dir).control is not None and bool(living(run_dir))


def number_or_word(text: str | None) -> object | None:
    """`4` and `0.5` as numbers, anything else as it is: validation names the key."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def refuse_beside(context: typer.Context, option: str, allowed: tuple[str, ...]) -> None:
    """An option that takes everything from a run folder stands alone."""
    for name in context.params:
        given = context.get_parameter_source(name)
        if given is not None and given.name == "COMMANDLINE" and name not in (option, *allowed):
            flag = {"assignments": "set"}.get(name, name.replace("_", "-"))
            raise BadInput(f"--{option}: goes on with the run's own settings, without --{flag}")
