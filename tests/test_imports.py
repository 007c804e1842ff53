"""Who may import whom: between the packages, and between the rooms of `line`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_line import ROOT

ROOMS = ("", "model", "run_files", "remote", "process", "dispatch", "observe", "supervise")
"""The rooms of `line`, "" its own files. Each may import those before it, and none behind it."""
ALLOWED = {
    "pictures": set(),
    "line": {"pictures"},
    "producers": {"line", "pictures"},
    "workers": {"line", "pictures"},
    "sinks": {"line", "pictures"},
    "reports": {"line", "pictures"},
    "console": {"line", "pictures", "reports"},
    "planner": {"line", "pictures", "producers"},
    "drill": {"line", "pictures", "producers"},
    "training": {"pictures"},
    "commands": {
        *("line", "pictures", "producers", "workers", "sinks", "reports", "console"),
        *("planner", "drill"),
    },
}
"""The packages that each package may import beside itself."""


def modules(package: str) -> Iterator[tuple[Path, str]]:
    """Each file of a package, with the full name of every module that it imports."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def room(name: str) -> str:
    parts = name.split(".")[1:]
    return parts[0] if parts and parts[0] in ROOMS else ""


def test_reading_a_picture_needs_no_torch() -> None:
    imported = {name.split(".")[0] for _, name in modules("pictures")}
    assert imported <= sys.stdlib_module_names | {"numpy", "PIL", "pictures"}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    others = ALLOWED.keys() - ALLOWED[package] - {package}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in modules(package)
        if name.split(".")[0] in others
    ]
    assert wrong == []


def test_the_rooms_of_the_line_import_only_those_before_them() -> None:
    wrong = []
    for path, name in modules("line"):
        own = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        if name.startswith("line.") and ROOMS.index(room(name)) > ROOMS.index(room(own)):
            wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_every_folder_of_the_line_is_a_room() -> None:
    folders = {path.parent.name for path in (ROOT / "line").glob("*/__init__.py")}
    assert folders == set(ROOMS) - {""}
