"""A Python that lacks what is needed is told in one line what brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running_line import ROOT

NO_PACKAGES = "-S"
"""Python leaves the folders of installed packages out."""


@pytest.mark.parametrize(
    ("program", "brings"),
    [
        (["run_line.py", "run"], "`make setup`"),
        (["-m", "workers", "--connect", "tcp://there:1", "--keys", "x"], "`make setup`"),
        (["-m", "training"], "requirements/training.txt`"),
    ],
)
def test_a_python_without_packages_is_told_what_brings_them(
    program: list[str], brings: str
) -> None:
    ended = subprocess.run(
        [sys.executable, NO_PACKAGES, *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: No module named ")
    assert ended.stderr.count("\n") == 1
    assert brings in ended.stderr


_ONLY_THE_LINE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx", "scipy", "sklearn", "huggingface_hub"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from training.__main__ import program
sys.argv[1:] = sys.argv[1].split()
program()
"""


@pytest.mark.parametrize("command", ["export x --out y", "audit ."])
def test_the_trainer_says_what_it_lacks_where_only_the_line_is_installed(command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ONLY_THE_LINE, command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "error: No module named " in ended.stderr
    assert "requirements/training.txt" in ended.stderr
    assert ended.stderr.count("\n") == 1


_WITHOUT_ONNX = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx", "scipy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from run_line import main
sys.exit(main(["adopt", "x.onnx"]))
"""


def test_adopting_needs_a_package_that_the_line_does_not() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_ONNX],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: adopt: No module named 'onnx'; install it with: ")
    assert "requirements/adopt.txt" in ended.stderr
    assert ended.stderr.count("\n") == 1
