"""How a verdict is drawn: a shape and a letter beside its colour, so that colour is never alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from line.outcome import Verdict

Shape = Literal["circle", "square", "diamond", "triangle", "cross"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One verdict's sign; its colour is the token of the verdict's name in console.css."""

    verdict: Verdict
    shape: Shape
    letter: str
    name: str
    meaning: str


MARKS = (
    Mark(Verdict.SORTED, "circle", "S", "sorted", "right bin, in time"),
    Mark(Verdict.RESIDUE_OK, "square", "R", "residue", "rightly left on the belt"),
    Mark(Verdict.LOW_CONFIDENCE, "triangle", "?", "low-confidence", "left on the belt on purpose"),
    Mark(Verdict.MISSED, "diamond", "M", "missed", "wrongly left on the belt"),
    Mark(Verdict.MISSORTED, "diamond", "X", "missorted", "wrong bin"),
    Mark(Verdict.LATE, "triangle", "L", "late", "answer after the deadline"),
    Mark(Verdict.EXPIRED, "square", "E", "expired", "deadline passed before a worker began"),
    Mark(Verdict.DROPPED, "cross", "D", "dropped", "never left the camera"),
    Mark(Verdict.FAILED, "cross", "F", "failed", "could not be processed"),
)
"""Every verdict once, from what the line is for to what it should never do."""

_OUTLINES: dict[Shape, str] = {
    "circle": '<circle cx="12" cy="12" r="10"/>',
    "square": '<rect x="2.5" y="2.5" width="19" height="19" rx="2"/>',
    "diamond": '<path d="M12 .8 23.2 12 12 23.2 .8 12z"/>',
    "triangle": '<path d="M12 1 23.5 22H.5z"/>',
    "cross": '<path d="M7 1h10v6h6v10h-6v6H7v-6H1V7h6z"/>',
}


def mark_svg(mark: Mark) -> str:
    """The sign as an inline SVG of 24 units; decoration beside the verdict's name."""
    baseline = 19 if mark.shape == "triangle" else 16.5
    return (
        f'<svg viewBox="0 0 24 24" aria-hidden="true" style="--sign: var(--{mark.verdict})" '
        f'class="sign sign-{mark.verdict}">{_OUTLINES[mark.shape]}'
        f'<text x="12" y="{baseline}" text-anchor="middle">{mark.letter}</text></svg>'
    )
