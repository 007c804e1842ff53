"""Command-line flags made from a settings class, so that an option is declared once.

Each field becomes one flag whose default is "not given"; defaults.toml holds the real default,
which the help text shows.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from training.settings import DEFAULTS, Settings, flag_name, with_home

Command = Callable[[dict[str, Any], Path | None], None]


def flags_of(section: type[Settings]) -> Callable[[Command], Callable[..., None]]:
    """Decorate `command(given, config)` with one flag per field of `section`, and `--config`.

    `given` holds only what stood on the command line.
    """
    defaults = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))[section.table]

    def decorate(command: Command) -> Callable[..., None]:
        def run(config: Path | None = None, **values: Any) -> None:
            # A repeatable flag that was not given arrives as an empty list.
            given = {name: value for name, value in values.items() if value not in (None, [])}
            command(given, config and Path(with_home(config)))

        parameters = [
            _positional(name, field) if name == section.positional else _flag(name, field, defaults)
            for name, field in section.model_fields.items()
        ]
        run.__signature__ = inspect.Signature([*parameters, _config()])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
        run.__doc__ = command.__doc__
        run.__name__ = command.__name__
        return run

    return decorate


def _positional(name: str, field: FieldInfo) -> inspect.Parameter:
    argument = typer.Argument(help=field.description, show_default=False)
    default = inspect.Parameter.empty if field.is_required() else None
    return _parameter(name, Annotated[_kind(field), argument], default)


def _kind(field: FieldInfo) -> Any:
    """A field's type, with a list for a tuple: that is what typer collects."""
    kind: Any = field.annotation
    if get_origin(kind) is not tuple:
        return kind
    element = get_args(kind)[0]
    return list[str] if get_origin(element) is Literal else list[element]  # type: ignore[valid-type]


def _flag(name: str, field: FieldInfo, defaults: dict[str, Any]) -> inspect.Parameter:
    kind = _kind(field)
    names = [flag_name(name)]
    if kind is bool:
        names = [f"{flag_name(name)}/--no-{flag_name(name)[2:]}"]
    shown = f" [default: {defaults[name]}]" if defaults.get(name, "") not in ("", []) else ""
    option = typer.Option(*names, help=f"{field.description}{shown}", show_default=False)
    return _parameter(name, Annotated[kind | None, option], None)


def _config() -> inspect.Parameter:
    option = typer.Option("--config", help="TOML file that replaces defaults", show_default=False)
    return _parameter("config", Annotated[Path | None, option], None)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)
