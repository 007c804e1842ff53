"""Figures on a page of the documentation, put where the page says."""

from __future__ import annotations

from pathlib import Path

from line.errors import BadInput


def replace_between(page: Path, name: str, text: str) -> None:
    """Put `text` between `<!-- name -->` and `<!-- /name -->` on a page, in place of what is there.

    Raises:
        BadInput: if the page cannot be read, or lacks the markers.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    try:
        whole = page.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{page}: {error.strerror or error}") from None
    if begin not in whole or end not in whole:
        raise BadInput(f"{page}: has no place for {name}: {begin.strip()} … {end}")
    before, rest = whole.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
