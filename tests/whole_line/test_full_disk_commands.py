"""A disk that fills at a random byte under a command: old files stay whole, new ones are whole."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.reports.test_folder import FACTS, mixed_rows, write_run
from tests.whole_line.test_full_disk import largest_file

SEEDS = range(int(os.environ.get("FULL_DISK_SEEDS", "1")))
SMALL = ("--belt-speed=1", "--workers=1", "--duration=3", "--draws=5", "--jobs=1")
Check = Callable[[bytes], bool]


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def is_page(content: bytes) -> bool:
    return content.rstrip().endswith(b"</html>")


def is_table(content: bytes) -> bool:
    lines = content.decode().splitlines(keepends=True)
    return len({line.count(",") for line in lines}) == 1 and lines[-1].endswith("\n")


@dataclass(frozen=True)
class Command:
    """What it is called with, in a folder that `make` has made, and the files that it writes."""

    arguments: tuple[str, ...]
    writes: dict[str, Check]


COMMANDS = {
    "report": Command(("report", "run"), {"run/summary.json": is_json, "run/report.html": is_page}),
    "diff": Command(
        ("diff", "run", "other"),
        {"other/diff/diff.csv": is_table, "other/diff/diff.html": is_page},
    ),
    "plan": Command(
        ("plan", "--scenario=steady", "--profile=profile.json", "--out=plan", *SMALL),
        {"plan/plan.csv": is_table, "plan/plan.html": is_page},
    ),
    "keys": Command(("keys", "keys", "--rotate"), {}),
    "virtual": Command(
        ("run", "--clock=virtual", "--profile=profile.json", "--items=20", "--run-dir=new"),
        {
            "new/settings.json": is_json,
            "new/model.json": is_json,
            "new/results.csv": is_table,
            "new/run.json": is_json,
        },
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    facts = {**FACTS, "fed": 12}
    for name in ("run", "other"):
        write_run(folder / name, mixed_rows(), facts)
    hand_made_profile().store(folder / "profile.json")
    assert main(["keys", str(folder / "keys")]) == 0
    return folder


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("there_before", [False, True], ids=["new files", "over old ones"])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_there_after_a_full_disk_is_whole(
    name: str,
    there_before: bool,
    seed: int,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "made"))
    monkeypatch.chdir(folder)
    command = COMMANDS[name]
    arguments = list(command.arguments)
    if there_before and name != "virtual":  # which wants a folder of its own
        assert main(arguments) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lengths = set(map(len, before.values()))
    capsys.readouterr()
    drawn = random.Random(f"{seed} {name} {there_before}")
    with largest_file(drawn.randrange(40 if name == "keys" else 600)):
        status = main(arguments)
    said = capsys.readouterr().err
    assert status == 2, said
    assert all(line.startswith(("error: ", "error: accounts: ")) for line in said.splitlines())
    assert said.count("\n") == 1, said
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert before.keys() <= after.keys()
    for path, content in after.items():
        is_whole = command.writes.get(str(path.relative_to(folder)))
        if name == "keys":
            assert len(content) in lengths, path
        else:
            assert content == before.get(path) or (is_whole and is_whole(content)), path
