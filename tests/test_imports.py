"""Who may import whom: between the packages, and between the rooms of `line`."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.running_line import ROOT

ROOMS = (
    "",
    "model",
    "drift",
    "run_files",
    "promise",
    "remote",
    "process",
    "dispatch",
    "observe",
    "supervise",
)
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
    "adoption": {"line", "pictures", "workers"},
    "placement": {"line", "pictures"},
    "commands": {
        *("line", "pictures", "producers", "workers", "sinks", "reports", "console"),
        *("planner", "drill", "adoption", "placement"),
    },
}
"""The packages that each package may import beside itself."""
MOST_FILES = 25
"""In one folder."""


def modules(package: str) -> Iterator[tuple[Path, str]]:
    """Each file of a package, with the full name of every module that it imports."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def needed(path: Path, files: Collection[str]) -> Iterator[str]:
    """Which of the modules a file imports when it is imported itself."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in files else node.module for name in names)


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


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in (*ALLOWED, "benchmarks")
        for path in (ROOT / package).rglob("*.py")
    }
    imports = {name: {*needed(path, files)} & files.keys() for name, path in files.items()}
    while free := [name for name, wanted in imports.items() if not wanted]:
        for name in free:
            del imports[name]
        for wanted in imports.values():
            wanted.difference_update(free)
    assert imports == {}


@pytest.mark.parametrize("package", [*ALLOWED, "benchmarks", "tests"])
def test_a_folder_has_no_more_files_than_a_person_can_hold(package: str) -> None:
    folders = Counter(path.parent for path in (ROOT / package).rglob("*.py"))
    assert {folder: count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_every_folder_of_the_line_is_a_room() -> None:
    folders = {path.parent.name for path in (ROOT / "line").glob("*/__init__.py")}
    assert folders == set(ROOMS) - {""}
