"""The record of a run, and the number that no other run has."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from line.errors import BadInput
from sinks.plant.run_record import FILE, read_run
from tests.made_run import make_run


def test_a_run_keeps_its_number_and_its_beginning(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    first = read_run(folder)
    folder = folder.rename(tmp_path / "moved")
    (folder / "model.json").touch()
    again = read_run(folder)
    assert (again.uid, again.began, again.name) == (first.uid, first.began, "moved")
    assert read_run(make_run(tmp_path / "run")).uid != first.uid


def test_several_who_read_it_first_agree(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: read_run(folder).uid, range(8)))
    assert len(found) == 1
    assert sorted(p.name for p in folder.glob(".plant*")) == []


def test_a_run_that_has_ended_is_newer_than_before(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    before = read_run(folder)
    (folder / "run.json").write_text(json.dumps({"ended": "finished", "fed": -1, "wall_s": "x"}))
    after = read_run(folder)
    assert after.revision > before.revision
    assert (after.ended, after.fed, after.wall_s) == ("finished", None, None)


@pytest.mark.parametrize("name", [FILE, "run.json", "settings.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = make_run(tmp_path / "run")
    read_run(folder)
    (folder / name).write_text("{")
    with pytest.raises(BadInput, match=name) as error:
        read_run(folder)
    assert "\n" not in str(error.value)
