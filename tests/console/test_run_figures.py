"""Figures of finished runs: which there are, how they are sorted, and two runs side by side."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.run_end import read_end
from console.runs_page.figures import PURITY, RECOVERY, T_PER_H, pairs
from console.runs_page.run_shelf import Accounts, Run
from console.runs_page.table import COLUMNS, in_order


def accounts(**figures: Any) -> Accounts:
    """Ten items of known class: five ejected rightly, one wrongly, two rightly left."""
    known: dict[str, Any] = {
        "scenario": "demo",
        "items": {"fed": 10, "logged": 10, "lost": 0},
        "verdicts": {"sorted": 5, "missorted": 1, "residue_ok": 2, "expired": 2},
        "in_time_rate": 0.8,
        "loss": {"all": {"fed": {"items": 10}, "recovered": {"items": 7}}},
        "purity": {"glass": 0.5, "paper": None},
        "recovery": {"glass": 0.7},
        "throughput_t_per_h": 2.0,
    }
    return Accounts.model_validate(known | figures)


def run(name: str, accounts: Accounts | None, state: str = "finished") -> Run:
    return Run(name, Path(name), datetime.now(UTC), state, accounts, name)


def test_purity_and_recovery_are_over_all_bins() -> None:
    assert PURITY.value(accounts()) == pytest.approx(5 / 6)
    assert RECOVERY.value(accounts()) == 0.7
    assert T_PER_H.shown(2.128) == "2.13"


@pytest.mark.parametrize(
    "figures",
    [
        {"loss": None},
        {"loss": {"all": {"fed": {"items": 4}, "recovered": {"items": 3}}}},
        {"verdicts": {}},
    ],
)
def test_there_is_no_purity_where_a_class_is_unknown_or_nothing_was_ejected(
    figures: dict[str, Any],
) -> None:
    assert PURITY.value(accounts(**figures)) is None


def test_figures_that_differ_come_first_the_furthest_apart_at_the_top() -> None:
    other = accounts(
        in_time_rate=0.3, throughput_t_per_h=1.9, recovery={"glass": 0.6999999, "tin": 0.1}
    )
    found = pairs(accounts(), other)
    assert [pair.figure.name for pair in found if pair.differs] == [
        "in time",
        "t/h",
        "recovery of tin",
    ]
    first = found[0]
    assert first.figure.difference(first.a, first.b) == "−50.0 points"
    assert {pair.differs for pair in found[3:]} == {False}
    assert "purity of paper" not in {pair.figure.name for pair in found}, "neither has it"


def test_runs_are_sorted_by_any_column_and_those_without_a_figure_come_last() -> None:
    runs = [
        run("a", accounts(in_time_rate=0.2)),
        run("b", None, "cut off"),
        run("c", accounts(in_time_rate=0.9)),
        run("d", accounts(in_time_rate=None)),
    ]
    for column in COLUMNS:
        assert {one.name for one in in_order(runs, column, falling=True)} == set("abcd")
    by_time = next(column for column in COLUMNS if column.name == "in time")
    assert [one.name for one in in_order(runs, by_time, falling=True)] == ["c", "a", "b", "d"]
    assert [one.name for one in in_order(runs, by_time, falling=False)] == ["a", "c", "b", "d"]
    assert [one.can_be_resumed for one in runs] == [False, True, False, False]


@pytest.mark.parametrize(
    ("said", "report", "words", "kind", "resumed"),
    [
        ('{"ended": "finished"}', True, "finished", "good", False),
        ('{"ended": "drained"}', True, "drained", "good", True),
        ('{"ended": "stopped"}', False, "stopped", "off", True),
        (None, False, "cut off", "off", True),
        ("torn {", False, "cut off", "off", True),
    ],
)
def test_how_a_run_ended_is_read_from_its_folder(
    tmp_path: Path, said: str | None, report: bool, words: str, kind: str, resumed: bool
) -> None:
    if said is not None:
        (tmp_path / "run.json").write_text(said)
    if report:
        (tmp_path / "report.html").write_text("well")
    end = read_end(tmp_path)
    assert (end.words, end.kind, end.can_be_resumed) == (words, kind, resumed)
    assert (end.has_report, end.has_rows) == (report, False)
