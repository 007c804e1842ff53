"""Who may read what a run leaves, who may speak to it, and what it loads."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from line.process.runtime_dir import make_runtime_dir
from tests.running_line import ROOT, TIMEOUT_S, RunningLine, poll
from tests.tiny_model import write_tiny_model

REQUIREMENTS = ROOT / "requirements"

# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readable_by", "folders", "files", "umask"),
    [
        ("owner", 0o700, 0o600, 0o000),
        ("group", 0o750, 0o640, 0o000),
        ("all", 0o755, 0o644, 0o077),
    ],
)
def test_a_run_is_as_readable_as_the_settings_say_whatever_the_umask(
    tmp_path: Path, tiny_model: Path, readable_by: str, folders: int, files: int, umask: int
) -> None:
    run_dir = tmp_path / "run"
    settings = (
        "--set",
        f"results.readable_by={readable_by}",
        "--set",
        "review.margin=1",
        "--active-learning",
    )
    options = ("--items", "3", "--speed", "max", "--model", str(tiny_model), "--quiet")
    ran = subprocess.run(
        [sys.executable, ROOT / "run_line.py", "run", "--run-dir", run_dir, *options, *settings],
        capture_output=True,
        text=True,
        umask=umask,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [run_dir, *run_dir.rglob("*")]}
    written = {path.name for path in modes}
    assert {"results.csv", "alerts.jsonl", "summary.json", "report.html", "csv_log.log"} <= written
    assert {"queue.sqlite", "0-0.png", "settings.json"} <= written
    for path, mode in modes.items():
        allowed = folders if path.is_dir() else files
        assert mode & ~allowed == 0, f"{path}: {mode:o}"
    assert modes[run_dir] == folders
    assert modes[run_dir / "results.csv"] == modes[run_dir / "summary.json"] == files


def test_the_folder_of_sockets_is_its_owner_s_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        path = make_runtime_dir()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.rmdir()


# -- models ---------------------------------------------------------------------------------------


def test_a_model_that_changes_during_a_run_is_not_loaded(tmp_path: Path) -> None:
    """The runner checked another file: a restarted worker says so and the run ends."""
    model = write_tiny_model(tmp_path / "model.onnx")
    hasty = ("--set", "supervisor.failed_starts=2", "--interval", "0.05", "--workers", "1")
    with RunningLine(tmp_path / "run", "--model", model, *hasty) as line:
        line.wait_for_rows(5)
        write_tiny_model(tmp_path / "other.onnx", work=1).replace(model)
        line.kill("worker-0")
        poll(lambda: line._process.poll() is not None, "the run ends")
        assert line._process.returncode == 4
        said = (tmp_path / "run" / "logs" / "worker-0.log").read_text()
        assert f"{model}: changed since the run began" in said


# -- pinned requirements --------------------------------------------------------------------------


def lines(path: Path) -> list[str]:
    """Without comments and references to other files."""
    stripped = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in stripped if line and not line.startswith(("-r ", "-c "))]


PINS = {path.name: lines(path) for path in sorted(REQUIREMENTS.glob("*.txt"))}


@pytest.mark.parametrize("name", PINS)
def test_every_requirement_is_one_version_from_the_index(name: str) -> None:
    for line in PINS[name]:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][A-Za-z0-9.+]*", line), line


@pytest.mark.parametrize("name", PINS)
def test_no_file_names_a_place_to_load_from(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    assert not re.search(r"://|--(index|extra-index|find-links|trusted-host)|^-[efi] ", text, re.M)


def versions(name: str) -> dict[str, str]:
    pins = (Requirement(line) for line in PINS[name])
    return {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}


@pytest.mark.parametrize("name", [name for name in PINS if name != "constraints.txt"])
def test_a_requirement_and_its_constraint_agree(name: str) -> None:
    constraints = versions("constraints.txt")
    for package, version in versions(name).items():
        assert constraints.get(package) == version, package


def test_whatever_the_line_brings_along_is_pinned() -> None:
    """From what is installed: the requirements of the requirements, to the last."""
    pinned = versions("constraints.txt")
    to_see, seen = list(versions("line.txt")), set[str]()
    while to_see:
        package = to_see.pop()
        if package in seen:
            continue
        seen.add(package)
        assert package in pinned, package
        for text in distribution(package).requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                to_see.append(canonicalize_name(needed.name))
    assert {"numpy", "annotated-types"} <= seen
