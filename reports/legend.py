"""The verdicts as they are shown: order, meaning and colour.

Colours are of Okabe and Ito's set, which people with any colour vision can tell apart; the report
adds a pattern to the second of each pair, and every mark has its name beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from line.outcome import Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict's line in a legend."""

    verdict: Verdict
    meaning: str
    terminal_colour: str
    """as rich names it; the page's colours stand in report.css under the verdict's name"""


LEGEND = (
    Entry(Verdict.SORTED, "right bin, in time", "#2b8fd6"),
    Entry(Verdict.RESIDUE_OK, "rightly left on the belt", "#7cc4ee"),
    Entry(Verdict.LOW_CONFIDENCE, "left on the belt on purpose", "#e3b324"),
    Entry(Verdict.MISSED, "wrongly left on the belt", "#f0a36b"),
    Entry(Verdict.MISSORTED, "wrong bin", "#d55e00"),
    Entry(Verdict.LATE, "answer after the deadline", "#cc79a7"),
    Entry(Verdict.EXPIRED, "deadline passed before a worker began", "#b58aa5"),
    Entry(Verdict.DROPPED, "never left the camera", "#8a8f98"),
    Entry(Verdict.FAILED, "could not be processed", "#5f6670"),
)
"""Every verdict once, from what the line is for to what it should never do."""
