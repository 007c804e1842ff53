"""The findings as one page, `audit.html`: suspicious pictures side by side, to be judged by eye."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from pictures.picture_folder import in_words
from training.audit.duplicates import Kind, Mark, Pair
from training.audit.findings import Findings, LabelError
from training.audit.reading import Entry
from training.metrics import percent
from training.pictures import open_picture
from training.whole_file import replace_text

SIDE_PX = 220
QUALITY = 78


def data_uri(path: Path) -> str:
    """A picture as JPEG, at most SIDE_PX high and wide, for the `src` of an `img`.

    About 6 kB. Raises BadInput if it cannot be decoded.
    """
    picture = open_picture(path)
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode("ascii")


TEMPLATE = Path(__file__).with_name("page.html.j2")

CONFLICT = "The same picture under two labels teaches both. Leave both out, or mend one label."
LEAKAGE = "Pictures to learn from that are also judged by: the figures come out too good."
WITHIN = "Pictures that are there twice weigh double, and count twice where they are judged."
LABELS = (
    "Pictures whose label a classifier, trained on the other pictures, finds improbable. Look "
    "before you change: what is hard to tell apart stands here too."
)


@dataclass(frozen=True)
class Card:
    """Pictures to be seen together, and a line about them."""

    entries: tuple[Entry, ...]
    line: str


@dataclass(frozen=True)
class Section:
    """Findings of one kind: the first few as cards, `total` in all."""

    anchor: str
    title: str
    text: str
    cards: tuple[Card, ...]
    total: int
    grave: bool


def write_page(path: Path, findings: Findings, pictured: int) -> None:
    """Write the page, with the first `pictured` findings of each kind."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    root = findings.scan.listing.root

    @cache
    def thumbnail(entry: Entry) -> str:
        return data_uri(root / entry.path)

    text = environment.get_template(TEMPLATE.name).render(
        title=root.resolve().name,
        findings=findings,
        listing=findings.scan.listing,
        census=findings.census,
        most=max(max(counts.values()) for counts in findings.census.counts.values()),
        sections=_sections(findings, pictured),
        thumbnail=thumbnail,
        in_words=in_words,
    )
    replace_text(path, text)


def _sections(findings: Findings, pictured: int) -> list[Section]:
    marked = {mark: findings.marked(mark) for mark in Mark}
    sections = [
        _of_pairs("conflicts", "Two labels", CONFLICT, marked[Mark.CONFLICT], pictured),
        _of_pairs("leakage", "In two splits", LEAKAGE, marked[Mark.LEAKAGE], pictured),
        _of_pairs("twice", "Twice in a split", WITHIN, marked[Mark.WITHIN], pictured, grave=False),
    ]
    if findings.labels is not None:
        cards = [_label_card(error) for error in findings.labels.errors[:pictured]]
        total = len(findings.labels.errors)
        text = (
            f"{LABELS} It agrees with {percent(findings.labels.accuracy)} of all labels, and sees "
            f"the pictures through {findings.labels.network}."
        )
        sections.append(
            Section("labels", "Likely label errors", text, tuple(cards), total, grave=False)
        )
    return sections


def _of_pairs(
    anchor: str, title: str, text: str, pairs: Sequence[Pair], pictured: int, grave: bool = True
) -> Section:
    cards = tuple(Card((pair.first, pair.second), _likeness(pair)) for pair in pairs[:pictured])
    return Section(anchor, title, text, cards, len(pairs), grave and bool(pairs))


def _likeness(pair: Pair) -> str:
    if pair.kind is not Kind.NEAR:
        return pair.kind.value
    return f"{pair.kind.value}: {pair.bits} of 64 bits differ, correlation {pair.correlation:.3f}"


def _label_card(error: LabelError) -> Card:
    odds = f"{percent(error.suggested_probability)} to {percent(error.probability)}"
    return Card((error.entry,), f"rather {error.suggested}: {odds}")
