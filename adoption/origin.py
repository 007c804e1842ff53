"""Under which licence a model is, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable

from adoption.conventions import Told
from line.errors import BadInput

LONGEST = 500
"""Characters."""
_AGPL = re.compile(r"\bagpl|affero", re.IGNORECASE)
_OPTION = "its option"

Ask = Callable[[str], str]


def answered(
    licence: str | None,
    source: str | None,
    told_licence: Told[str] | None,
    told_source: Told[str] | None,
    ask: Ask | None,
) -> tuple[Told[str], Told[str]]:
    """Licence and source: an option before what the file tells; else somebody is asked.

    Raises:
        BadInput: if nobody knows them.
    """
    found = {
        "licence": Told(licence, _OPTION) if licence else told_licence,
        "source": Told(source, _OPTION) if source else told_source,
    }
    if ask is not None:
        for name, told in found.items():
            found[name] = told or Told(ask(name).strip(), "asked for")
    unknown = [f"--{name}" for name, told in found.items() if told is None or not told.value]
    if unknown:
        raise BadInput(
            f"nobody tells {' and '.join(name[2:] for name in unknown)} of the model: "
            f"give {' and '.join(f'{name} TEXT' for name in unknown)}"
        )
    for name, told in found.items():
        if told is not None and len(told.value) > LONGEST:
            raise BadInput(f"--{name}: is longer than {LONGEST} characters")
    first, second = found["licence"], found["source"]
    assert first is not None
    assert second is not None
    return first, second


def warning_about(licence: str) -> str | None:
    """What a licence asks of whoever builds the model into something; None if nothing odd."""
    if not _AGPL.search(licence):
        return None
    return (
        "the licence is the AGPL, as that of Ultralytics' models: it reaches what the model is "
        "built into, and whoever uses that over a network may ask for its source"
    )
