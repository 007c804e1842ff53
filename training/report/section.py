"""A heading, its text, and where the figures in it are from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.report.commands import command_of, shown
from training.report.sources import Source


@dataclass(frozen=True)
class Section:
    """Markdown under a heading; `origin` is the sentence that names file and command."""

    title: str
    text: str
    origin: str = ""
    is_missing: bool = False

    def markdown(self) -> str:
        """Heading, text and origin."""
        parts = [f"## {self.title}", self.text, self.origin]
        return "\n\n".join(part for part in parts if part)


def measured(title: str, text: str, source: Source) -> Section:
    """A section of figures from one source."""
    origin = f"*From `{shown(source.file)}`, made with* `{command_of(source)}`"
    return Section(title, text, origin)


def in_the_model(title: str, text: str, path: Path) -> Section:
    """A section of facts from the metadata of the model file."""
    return Section(title, text, f"*From the metadata of `{shown(path)}`.*")


def missing(title: str, wanted: str, command: str) -> Section:
    """A section that says which file is not at hand, and what would make it."""
    return Section(title, f"Not at hand: {wanted}. `{command}` makes it.", is_missing=True)
