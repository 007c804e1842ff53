"""The README's commands are true: each one is run, shortened.

What the Makefile and the pages of docs/ run as a module exists.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adoption.foreign_files import NAMES, network
from tests.running_line import ROOT, TIMEOUT_S, called
from tests.whole_line.test_bad_input import picture

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
MODULES = {
    name
    for page in (ROOT / "Makefile", ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    for name in re.findall(r"python -m ((?:benchmarks|training)[a-z_.]*[a-z])", page.read_text())
}
SHORT = {
    "SCRAPLINE_LINE__DURATION_S": "1",
    "SCRAPLINE_LINE__ITEMS": "15",
    "SCRAPLINE_CAMERA__PREPARE": "ahead",
    "SCRAPLINE_REVIEW__ENABLED": "true",
}
LONG = {r"--duration \d+": "--duration 1", r"--items \d+": "--items 15"}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    path = tmp_path_factory.mktemp("readme") / "run"
    options = ("--items", 3, "--speed", "max", "--run-dir", path)
    assert called("run", "--model", tiny_model, *options).returncode == 0
    return path


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("python run_line.py")])
def test_a_command_of_the_readme_runs(line: str, tmp_path: Path, run_dir: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    network(tmp_path / "net.onnx")
    for name in ("glass", "paper"):
        picture(tmp_path / "datasets" / "trashnet" / "val" / name / "1.png", 64, 48)
    for said, shorter in LONG.items():
        line = re.sub(said, shorter, line)
    words = shlex.split(line.replace("RUN_DIR", str(run_dir)))
    ran = subprocess.run(
        [sys.executable, str(ROOT / words[1]), *words[2:]],
        cwd=tmp_path,
        env={**os.environ, **SHORT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("make")])
def test_a_make_target_of_the_readme_exists(line: str) -> None:
    ran = subprocess.run(
        ["make", "--dry-run", *shlex.split(line)[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_that_a_page_or_the_makefile_runs_exists(name: str) -> None:
    path = ROOT / name.replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_every_command_of_the_readme_is_tested_somewhere() -> None:
    known = ("make ", "python run_line.py ", "python -m training ")
    assert COMMANDS
    assert [line for line in COMMANDS if not line.startswith(known)] == []


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_what_the_readme_points_to_is_there(target: str) -> None:
    assert (ROOT / target).exists()
