"""Class names in the order of a model's outputs, out of whatever people keep them in."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from line.errors import BadInput
from line.own_file import read_regular
from line.plain_text import plain
from pictures.class_names import complaint_about_names
from pictures.picture_folder import is_passed_over

Names = tuple[str, ...]

_LARGEST_FILE = 10**7
_LONGEST_LITERAL = 10**6


def named(option: str) -> Names:
    """Of `--classes`: `a,b,c`, a text file with a name a line, a JSON file, or a folder.

    A folder is one of class folders, whose names count in sorted order.

    Raises:
        BadInput: naming the option and what is wrong with it.
    """
    path = Path(option)
    try:
        if path.is_dir():
            names = _folders_of(path)
        elif path.is_file():
            names = _of_file(path)
        elif "," in option:
            names = tuple(name.strip() for name in option.split(","))
        else:
            raise BadInput("no such file or folder, and no list a,b,c")
        if complaint := complaint_about_names(names):
            raise BadInput(complaint)
    except BadInput as error:
        raise BadInput(f"--classes {plain(option, 100)}: {error}") from None
    except OSError as error:
        raise BadInput(f"--classes {plain(option, 100)}: {error.strerror}") from None
    return names


def _folders_of(path: Path) -> Names:
    with os.scandir(path) as entries:
        return tuple(sorted(e.name for e in entries if e.is_dir() and not is_passed_over(e.name)))


def _of_file(path: Path) -> Names:
    try:
        text = read_regular(path, _LARGEST_FILE, follow_links=True).decode("utf-8-sig")
    except UnicodeError:
        raise BadInput("is no text in UTF-8") from None
    if path.suffix.lower() != ".json":
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        return of_table(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"holds no class names: {plain(str(error), 100)}") from None


def of_literal(text: str) -> Names:
    """Of a list or table in an entry of a model file, as JSON or as Python writes it.

    Raises:
        ValueError: if it is none.
    """
    if len(text) > _LONGEST_LITERAL:
        raise ValueError("too long")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        try:
            table = ast.literal_eval(text)
        except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
            raise ValueError("neither JSON nor a Python literal") from error
    return of_table(table)


def of_table(table: Any) -> Names:
    """Of a list of names, a table number → name, or name → number.

    In the place of a name may stand a pair whose last part is the name, as in Keras' index of
    ImageNet.

    Raises:
        ValueError: if it is nothing of the kind, or numbers are missing.
    """
    if isinstance(table, list):
        return tuple(_name(entry) for entry in table)
    if not isinstance(table, Mapping) or not table:
        raise ValueError("neither a list nor a table of numbers and names")
    if all(type(value) is int for value in table.values()):
        table = {number: name for name, number in table.items()}
    by_number = {int(number): _name(entry) for number, entry in table.items()}
    if sorted(by_number) != list(range(len(table))):
        raise ValueError(f"its numbers are not 0 to {len(table) - 1}")
    return tuple(by_number[number] for number in range(len(by_number)))


def _name(entry: Any) -> str:
    if isinstance(entry, list | tuple) and entry:
        entry = entry[-1]
    if not isinstance(entry, str):
        raise ValueError(f"{plain(repr(entry), 40)} is no name")
    return entry.strip()
