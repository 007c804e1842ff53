"""The same line with something about it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from line.errors import BadInput
from line.settings import Settings


def altered(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """`settings` with values replaced, and tables laid over: `{"line": {"workers": 2}}`.

    Raises:
        BadInput: naming the setting that they do not allow.
    """
    values = settings.model_dump()
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(value, Mapping) else value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{field + ': ' if field else ''}{message}") from None
