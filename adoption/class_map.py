"""Which classes of a model go into one bin, where it tells apart more than the belt does.

Their probabilities are added up.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adoption.class_names import Names
from line.errors import BadInput
from line.own_file import read_regular
from line.plain_text import plain

_LARGEST_FILE = 10**6

ClassMap = Mapping[str, str]
"""Class of the model → class of the belt; those that are not in it keep their names."""


def class_map(option: str) -> ClassMap:
    """Of `--map`: `PET bottle=plastic,HDPE=plastic`, or a TOML or JSON file with such a table.

    Raises:
        BadInput: naming the option and what is wrong with it.
    """
    path = Path(option)
    try:
        table = _of_file(path) if path.is_file() else _of_list(option)
        if not table:
            raise BadInput("names no class")
        for name, bin_ in table.items():
            if not isinstance(bin_, str) or not bin_.strip():
                raise BadInput(f"{plain(name, 40)}: needs the name of a class of the belt")
    except BadInput as error:
        raise BadInput(f"--map {plain(option, 100)}: {error}") from None
    return {name.strip(): bin_.strip() for name, bin_ in table.items()}


def mapped(names: Names, table: ClassMap) -> Names:
    """Classes of the belt, in the order in which the model's first name them.

    Raises:
        BadInput: for a class in the table that the model does not have.
    """
    if strangers := [name for name in table if name not in names]:
        known = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        raise BadInput(f"--map: the model has no class {plain(strangers[0], 40)!r}; it has {known}")
    return tuple(dict.fromkeys(table.get(name, name) for name in names))


def sums(names: Names, table: ClassMap) -> NDArray[np.float32]:
    """float32 [classes of the model, classes of the belt]: 1 where one goes into the other."""
    bins = mapped(names, table)
    matrix = np.zeros((len(names), len(bins)), np.float32)
    for number, name in enumerate(names):
        matrix[number, bins.index(table.get(name, name))] = 1.0
    return matrix


def _of_list(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(sign for _, sign, _ in pairs):
        raise BadInput("no such file, and no list a=b,c=d")
    return {name: bin_ for name, _, bin_ in pairs}


def _of_file(path: Path) -> dict[str, Any]:
    try:
        text = read_regular(path, _LARGEST_FILE, follow_links=True).decode("utf-8-sig")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadInput(str(error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"holds no table: {plain(str(error), 100)}") from None
    if not isinstance(found, dict):
        raise BadInput("holds no table of names")
    return found
