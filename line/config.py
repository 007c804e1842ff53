"""From files, environment and options to one validated `Settings`.

Layers, later ones win: the shipped `config.toml` (complete) → `--config FILE` → scenario →
environment (`SCRAPLINE_SECTION__KEY`) → options (`section.key`). Every value remembers the layer
it came from, so that a complaint can say where to look.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from line.errors import BadInput
from line.settings import Settings
from line.validation_errors import explain

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = ROOT / "config.toml"
SCENARIOS = ROOT / "scenarios"
ENVIRONMENT_PREFIX = "SCRAPLINE_"

Table = dict[str, Any]
_DEEPEST = 8
"""Tables within tables; no setting lies deeper."""


class Layers:
    """Settings under construction: merged values and the origin of each."""

    def __init__(self) -> None:
        self._values: Table = {}
        self._origins: dict[str, str] = {}

    def add(self, table: Mapping[str, Any], origin: str) -> None:
        """Lay `table` over what is there; tables merge, anything else replaces."""
        self._merge(self._values, table, (), origin)

    def add_key(self, dotted: str, value: object, origin: str) -> None:
        """Lay one value over what is there. `dotted` is `section.key`."""
        parts = dotted.split(".")
        if not all(parts):
            raise BadInput(f"{origin}: {dotted!r} is not of the form section.key")
        table: Table = {parts[-1]: value}
        for part in reversed(parts[:-1]):
            table = {part: table}
        self.add(table, origin)

    def validate(self) -> Settings:
        """The frozen settings, or `BadInput` naming every offending key and its origin."""
        try:
            return Settings.model_validate(self._values)
        except ValidationError as error:
            shipped = Layers()
            shipped.add(_read(DEFAULTS), DEFAULTS.name)
            known = list(shipped._origins)
            raise BadInput(explain(error, self._values, self._origins, known)) from None

    def _merge(
        self, into: Table, table: Mapping[str, Any], path: tuple[str, ...], origin: str
    ) -> None:
        if len(path) > _DEEPEST:
            raise BadInput(f"{origin}: {'.'.join(path)}: no setting lies that deep")
        for key, value in table.items():
            inner = (*path, key)
            self._origins[".".join(inner)] = origin
            if isinstance(value, Mapping) and isinstance(into.setdefault(key, {}), dict):
                self._merge(into[key], value, inner, origin)
            else:
                into[key] = value


def load(
    config: Path | None = None,
    scenario: str | None = None,
    options: Iterable[tuple[str, object]] = (),
    assignments: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Merge all layers and validate them.

    Args:
        config: a further TOML file over the shipped `config.toml`.
        scenario: a name from `scenarios/` or a path to a TOML file.
        options: `(section.key, value)` pairs of command-line options.
        assignments: `section.key=value` texts of `--set`, values in TOML.
        environment: variables to read; the process's own by default.

    Raises:
        BadInput: naming the file, variable or option and the key.
    """
    layers = Layers()
    layers.add(_read(DEFAULTS), DEFAULTS.name)
    if config is not None:
        layers.add(_read(config), str(config))
    if scenario is not None:
        path = scenario_path(scenario)
        layers.add({"title": path.stem, **_read(path)}, f"scenario {path.name}")
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            dotted = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            layers.add_key(dotted, _value(text), f"environment {name}")
    for dotted, value in options:
        layers.add_key(dotted, value, "option")
    for assignment in assignments:
        dotted, equals, text = assignment.partition("=")
        if not equals:
            raise BadInput(f"--set {assignment}: expected section.key=value")
        layers.add_key(dotted.strip(), _value(text.strip()), "--set")
    settings = layers.validate()
    # Here alone: no file of a run holds the password's hash, and no complaint quotes a password.
    fault = settings.console.fault() or settings.postgres.fault()
    if fault:
        raise BadInput(fault)
    if settings.decision.promised:
        raise BadInput("decision.promised: the runner finds it, nobody sets it")
    return settings


def scenario_names() -> list[str]:
    """Names of the scenarios that ship with the line."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def scenario_path(name: str) -> Path:
    """The file of scenario `name`: a shipped one's name, or any path to a TOML file."""
    shipped = SCENARIOS / f"{name}.toml"
    if shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(scenario_names())
    raise BadInput(f"scenario {name}: neither a file nor one of {known}")


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' editors mark it
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # syntax, encoding, or beyond Python's limits
        raise BadInput(f"{path}: not TOML: {error}") from None


def _value(text: str) -> object:
    """A TOML value where `text` is one, the bare text otherwise (`--set line.speed=max`)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
