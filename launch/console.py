"""Where the runner prints, and how."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from line.view import LiveView, PlainView, QuietView, View

# In a pipe there is no window whose width would matter. Paths, titles and classes come from
# outside, and are printed as they are: brackets are no markup, colons no emoji.
out = Console(
    highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
asking = Console(highlight=False, emoji=False)
"""for Rich's prompts, whose own words are markup"""


def view_for(quiet: bool, as_json: bool) -> View:
    if quiet or as_json:
        return QuietView()
    return LiveView(out) if out.is_terminal else PlainView(out)


def shown(path: Path) -> str:
    """A path as short as it can be given from here."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
