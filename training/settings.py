"""How the options of a command are gathered and checked; `training.options` says what they are.

A value is looked for in this order, the last one found wins: defaults.toml, the checkpoint that a
run goes on from, the user's `--config` file, the command line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from training.errors import BadInput

DEFAULTS = Path(__file__).with_name("defaults.toml")


class Settings(BaseModel):
    """Options of one command; frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: ClassVar[str]
    positional: ClassVar[str | None] = None


S = TypeVar("S", bound=Settings)


def load(
    section: type[S],
    flags: Mapping[str, Any],
    config: Path | None = None,
    checkpoint: Mapping[str, Any] | None = None,
) -> S:
    """Merge the sources of one command's options and check them.

    Raises BadInput with one line that names the field, and the file if it came from one.
    """
    chosen = read_table(config, section)
    merged = {**read_table(DEFAULTS, section), **(checkpoint or {}), **chosen, **flags}
    try:
        return section.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        where = f"{config}: [{section.table}] {field}" if field in chosen else flag_name(field)
        if field in flags:
            where = flag_name(field)
        raise BadInput(f"{where}: {_message(first['type'], first['msg'])}") from error


def flag_name(field: str) -> str:
    """`batch_size` → `--batch-size`."""
    return "--" + field.replace("_", "-")


def _message(kind: str, text: str) -> str:
    known = {"missing": "is required", "extra_forbidden": "no such setting"}
    return known.get(kind, text)


def read_table(path: Path | None, section: type[Settings]) -> dict[str, Any]:
    """One command's table of a settings file, unchecked but for unknown names; {} without one."""
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not TOML: {error}") from error
    _refuse_unknown(path, document)
    return dict(document.get(section.table, {}))


def _refuse_unknown(path: Path, document: Mapping[str, Any]) -> None:
    """A misspelt key in any table is an error, not only in the table that is read now."""
    sections = {cls.table: cls for cls in Settings.__subclasses__()}
    for table, values in document.items():
        if table not in sections:
            raise BadInput(f"{path}: [{table}]: no such table; known: {', '.join(sections)}")
        if not isinstance(values, dict):
            raise BadInput(f"{path}: {table}: must be a table")
        for key in values:
            if key not in sections[table].model_fields:
                raise BadInput(f"{path}: [{table}] {key}: no such setting")
