"""Sections as one document: Markdown, and the same as a page that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from training.errors import BadInput
from training.report.sources import Source, command_of, shown
from training.whole_file import replace_text


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


TEMPLATE = Path(__file__).with_name("page.html.j2")


def markdown(title: str, sections: Sequence[Section]) -> str:
    """All sections under a title."""
    return "\n\n".join([f"# {title}", *(section.markdown() for section in sections)]) + "\n"


def write_text(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write Markdown. Raises BadInput that names the file if it cannot be written."""
    _write(path, markdown(title, sections))


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write HTML. Raises BadInput that names the file if it cannot be written."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined
    )
    # "js-default" escapes HTML in the text: a class may be named like a tag.
    body = MarkdownIt("js-default").enable("table").render(markdown(title, sections))
    page = environment.get_template(TEMPLATE.name).render(title=title, body=body)
    _write(path, page)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
