"""The table at the end of a run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from line.outcome import Verdict
from reports import wording
from reports.figures import FORMULAS
from reports.summary import summarise
from reports.terminal import print_summary
from tests.reports.test_folder import FACTS, mixed_rows, row, write_run


def printed(summary: dict[str, Any], width: int = 80, colour: bool = False) -> str:
    file = io.StringIO()
    system = "truecolor" if colour else None
    print_summary(
        summary, Console(file=file, width=width, force_terminal=colour, color_system=system)
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_fits_and_says_everything(tmp_path: Path, width: int) -> None:
    text = printed(summarise(write_run(tmp_path, mixed_rows())), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for needle in (
        *Verdict,
        "glass",
        "66.7 %",
        "50.0 % of the classified",
        "deadline 62.0 to 450 ms",
    ):
        assert needle in text
    for name in FORMULAS:
        assert f"\n{name} " in text
    assert "inference did not speed up" in " ".join(text.split())


def test_in_a_narrow_terminal_columns_go_and_numbers_stay_whole(tmp_path: Path) -> None:
    text = io.StringIO()
    console = Console(file=text, width=40, force_terminal=True, color_system=None)
    print_summary(summarise(write_run(tmp_path, mixed_rows())), console)
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert "…" not in text.getvalue()
    (headings,) = (line.split() for line in lines if line.startswith("class "))
    assert headings[:2] == ["class", "purity"]
    (glass,) = (line for line in lines if line.startswith("glass "))
    assert "66.7 %" in glass
    assert "column more in a wider terminal" in " ".join(text.getvalue().split())


def test_balance_is_plain_when_it_holds(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows(), {**FACTS, "fed": 12}))
    assert "fed 12 = logged 12, lost 0, duplicates 0\n" in printed(summary)
    assert "\x1b[1;32mfed 12" in printed(summary, colour=True)


def test_balance_is_red_when_it_does_not(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows()))
    assert "fed 13 ≠ logged 12, lost 1, duplicates 0\n" in printed(summary)
    assert "\x1b[1;37;41mfed 13" in printed(summary, colour=True)


def test_a_run_cut_off_claims_no_balance(tmp_path: Path) -> None:
    text = printed(summarise(write_run(tmp_path, mixed_rows(), facts=None)))
    assert "fed unknown (cut off), logged 12, duplicates 0" in text


def test_at_max_nothing_had_a_deadline(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows(), {**FACTS, "speed": "max"}))
    text = " ".join(printed(summary).split())
    assert "nothing had a deadline" in text
    assert summary["in_time_rate"] is None
    assert "in time – (no deadline)" in text


def test_nobody_says_right_bin_where_nobody_knows() -> None:
    words = {entry.verdict: wording.meaning(entry, has_truth=False) for entry in wording.LEGEND}
    assert words[Verdict.SORTED] == "ejected in time; whether into the right bin is unknown"
    assert wording.meaning(wording.LEGEND[0], has_truth=True) == "right bin, in time"


def test_an_empty_run(tmp_path: Path) -> None:
    facts = {**FACTS, "fed": 0, "model": {}}
    assert "no answers" in printed(summarise(write_run(tmp_path, [], facts)))


def test_a_class_name_is_no_markup(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, [row(0, "[red]x[/]", "sorted", "[red]x[/]")]))
    assert "[red]x[/]" in printed(summary)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, wording.NONE),
        (0.0, "0.0 %"),
        (0.0001, "<0.1 %"),
        (0.5, "50.0 %"),
        (0.99999, ">99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_percent_never_hides_the_last_item(share: float | None, text: str) -> None:
    assert wording.percent(share) == text
