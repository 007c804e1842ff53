"""Runs in virtual time compared: no picture was taken, so none can tell one item from another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.cause import Cause
from reports.comparison.changes import compare
from reports.comparison.compared_run import read
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.reports.test_diff import why
from tests.reports.test_folder import FACTS, Row, row, write_run

VIRTUAL = {**FACTS, "clock": "virtual"}
RIGHT = row(0, "glass", "sorted", "glass", picture_crc32=0)
WRONG = row(0, "glass", "missorted", "metal", picture_crc32=0)
DROPPED = row(0, "glass", "dropped", reason="overrun", picture_crc32="")


def cause(
    folder: Path, a: Row, b: Row, facts: tuple[Any, Any] = (VIRTUAL, VIRTUAL), **changes: object
) -> Cause:
    """Of the one change; `section__key`: what the second run's settings have otherwise."""
    for name, one, told in zip("ab", (a, b), facts, strict=True):
        write_run(folder / name, [one], told)
    path = folder / "b" / "settings.json"
    settings = json.loads(path.read_text())
    for name, value in changes.items():
        section, _, key = name.partition("__")
        settings[section][key] = value
    path.write_text(json.dumps(settings))
    return why(compare(read(folder / "a"), read(folder / "b")))[0]


@pytest.mark.parametrize("facts", [(VIRTUAL, VIRTUAL), (VIRTUAL, None), (None, None)])
@pytest.mark.parametrize("changes", [{"line__seed": 8}, {"source__spec": "photographs"}])
def test_of_another_seed_or_source_they_are_other_items(
    tmp_path: Path, changes: dict[str, object], facts: tuple[Any, Any]
) -> None:
    assert cause(tmp_path, RIGHT, WRONG, facts, **changes) is Cause.ANOTHER_ITEM


@pytest.mark.parametrize(("a", "b"), [(RIGHT, DROPPED), (DROPPED, WRONG)])
def test_also_where_one_of_them_was_not_answered(tmp_path: Path, a: Row, b: Row) -> None:
    assert cause(tmp_path, a, b, line__seed=8) is Cause.ANOTHER_ITEM


def test_of_one_seed_another_answer_was_drawn(tmp_path: Path) -> None:
    assert cause(tmp_path, RIGHT, WRONG) is Cause.DRAWN


def test_beside_a_real_run_of_the_same_belt_too(tmp_path: Path) -> None:
    real = RIGHT | {"picture_crc32": 4_000_000_000}
    assert cause(tmp_path, real, WRONG, (FACTS, VIRTUAL)) is Cause.DRAWN


@pytest.mark.parametrize(
    "changes",
    [{"infeed__process": "regular"}, {"line__cameras": 2}, {"source__spec": "recording"}],
)
def test_drawn_items_of_one_seed_are_the_same_items(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    both = (VIRTUAL, VIRTUAL)
    assert cause(tmp_path, RIGHT, DROPPED, both, **changes) is Cause.TIMING


def test_more_lanes_are_dealt_other_pictures_of_a_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [RIGHT], VIRTUAL)
    write_run(tmp_path / "b", [WRONG], VIRTUAL)
    for name, cameras in (("a", 1), ("b", 2)):
        path = tmp_path / name / "settings.json"
        settings = json.loads(path.read_text())
        settings["source"]["spec"] = "photographs"
        settings["line"]["cameras"] = cameras
        path.write_text(json.dumps(settings))
    assert why(compare(read(tmp_path / "a"), read(tmp_path / "b")))[0] is Cause.ANOTHER_ITEM


def test_another_model_is_told_in_virtual_time_as_well(tmp_path: Path) -> None:
    assert cause(tmp_path, RIGHT, WRONG | {"model": "cdcdcdcdcdcd"}) is Cause.MODEL


def test_an_item_that_nobody_photographed_is_drawn_anew(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    hand_made_profile().store(profile)
    common = ("run", "--clock=virtual", f"--profile={profile}", "--items=20", "--quiet")
    for name, threshold in (("a", 0.1), ("b", 1.0)):
        run = (f"--run-dir={tmp_path / name}", f"--threshold={threshold}")
        assert main([*common, *run, "--set=camera.width_px=32"]) == 0
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    page = (tmp_path / "b" / "diff" / "diff.html").read_text()
    assert "not the picture of then" not in page
    assert page.count("<img") >= 1
