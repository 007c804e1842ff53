"""The tasks in a file that Label Studio exported, as JSON or as JSON-MIN, each read for itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pictures.picture_file import SUFFIXES
from training.errors import BadInput
from training.ingest.label_event import moment

CONTROL, IMAGE_KEY = "choice", "image"
"""What our own tasks and labelling interface call them."""
OWN_DATA = ("frame", "top3")
FLAT_FACTS = frozenset(
    {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"}
)
"""What JSON-MIN holds beside a task's data and its results."""


@dataclass(frozen=True)
class Annotation:
    """What somebody said with each control, name → choices; `when` is ISO 8601 or empty."""

    choices: Mapping[str, tuple[str, ...]]
    who: str
    when: str
    ground_truth: bool = False


@dataclass(frozen=True)
class Task:
    """One task: its data, and its annotations that were not taken back."""

    data: Mapping[str, Any]
    annotations: tuple[Annotation, ...]
    project: object


def read_tasks(file: Path) -> tuple[dict[int, Task], dict[int, str]]:
    """Tasks by number, from 1, and why others cannot be read. Raises BadInput for other files."""
    try:
        content = json.loads(file.read_bytes())  # of any Unicode encoding, with its mark or without
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(content, list):
        raise BadInput(f"{file}: not a list of tasks; export as JSON or JSON-MIN")
    tasks: dict[int, Task] = {}
    skipped: dict[int, str] = {}
    for number, task in enumerate(content, start=1):
        try:
            tasks[number] = _task(task)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            skipped[number] = f"not as Label Studio exports it ({error!r})"
        except ValueError as error:
            skipped[number] = str(error)
    return tasks, skipped


def _task(task: dict[str, Any]) -> Task:
    if "data" not in task:
        return _flat_task(task)
    annotations = task["annotations"] if "annotations" in task else task["completions"]
    return Task(
        task["data"].copy(),
        tuple(_annotation(one) for one in annotations if not one.get("was_cancelled")),
        task.get("project"),
    )


def _annotation(annotation: dict[str, Any]) -> Annotation:
    choices: dict[str, tuple[str, ...]] = {}
    for result in annotation["result"]:
        if result["type"] == "choices":
            name = text_of(result.get("from_name", CONTROL))
            named = tuple(text_of(choice) for choice in result["value"]["choices"])
            choices[name] = choices.get(name, ()) + named
    who = annotation.get("labelled_by") or _who(annotation.get("completed_by"))
    return Annotation(choices, who, _when(annotation), annotation.get("ground_truth") is True)


def _flat_task(task: dict[str, Any]) -> Task:
    """A row of JSON-MIN: one annotation, its results beside the task's data."""
    data = {key: value for key, value in task.items() if key not in FLAT_FACTS}
    choices: dict[str, tuple[str, ...]] = {}
    for key, value in data.items():
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            choices[key] = tuple(text_of(choice) for choice in value["choices"])
        elif isinstance(value, str) and key not in OWN_DATA and not is_picture(value):
            choices[key] = (value,)
    if not any(isinstance(value, str) for value in data.values()):
        raise TypeError("no picture and no choice")
    annotation = Annotation(choices, _who(task.get("annotator")), _when(task))
    return Task(data, (annotation,), None)


def is_picture(address: str) -> bool:
    """Whether an address ends as the names of pictures do."""
    return PurePosixPath(_named_file(address)).suffix.lower() in SUFFIXES


def _named_file(address: str) -> str:
    """What tells a picture's name in an address: the part behind `?d=`, or its path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return parse_qs(parts.query).get("d", [parts.path])[0]


def _when(annotation: Mapping[str, Any]) -> str:
    when = text_of(annotation.get("updated_at") or annotation.get("created_at") or "")
    try:
        moment(when)
    except ValueError:
        raise ValueError(f"{when!r} is not a time") from None
    return when


def _who(completed_by: object) -> str:
    """A user's number, or the user with an address, as exports with user details have it."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)


def text_of(value: object) -> str:
    """The value, if it is a text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text is expected")
    return value
