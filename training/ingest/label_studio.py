"""Label Studio's exports, JSON and JSON-MIN, read.

A task's `data.frame`, which our own tasks carry, ties an annotation to the line's item again. Where
a project has several pictures in a task or several choices, the one that is meant is found out as
far as it can be; --image-key and --control say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from training.errors import BadInput
from training.ingest.agreement import Said, agreement, judge
from training.ingest.label_event import (
    Conflict,
    LabelEvent,
    Source,
    complaint_about_label,
    moment,
    picture_below,
)
from training.ingest.label_studio_file import (
    CONTROL,
    IMAGE_KEY,
    OWN_DATA,
    Task,
    is_picture,
    read_tasks,
    text_of,
)

LOCAL_FILES, UPLOAD = "/data/local-files/", "/data/upload/"


@dataclass(frozen=True)
class Wanted:
    """How to read an export; empty where it is to be found out."""

    image_key: str = ""
    control: str = ""
    classes: tuple[str, ...] = ()


def read_export(file: Path, images: Path, wanted: Wanted) -> Source:
    """All single choices of an export; `images` is where its pictures lie.

    Skipped and empty annotations say nothing. A task that cannot be read is named in `skipped`.
    Raises BadInput that names the file: if it is none, if no task can be read, or if several
    controls could be meant.
    """
    tasks, skipped = read_tasks(file)
    control = wanted.control or _control(file, tasks.values(), wanted.classes)
    said: dict[str, list[Said]] = {}
    data: dict[str, Mapping[str, Any]] = {}
    pictures: dict[str, Path | str] = {}
    for number, task in tasks.items():
        try:
            image = _image(task.data, wanted.image_key)
            frame = text_of(task.data.get("frame", image))
            found = list(_said(task, control, frame, file, wanted.classes))
        except (TypeError, ValueError) as error:
            skipped[number] = str(error)
            continue
        if found:
            said.setdefault(frame, []).extend(found)
            data.setdefault(frame, task.data)
            pictures[frame] = _locate(image, images)
    if skipped and not said:
        number, why = next(iter(skipped.items()))
        raise BadInput(f"{file}, task {number}: {why}")
    verdicts = {frame: judge(of_frame) for frame, of_frame in said.items()}
    events = [event for verdict in verdicts.values() for event in verdict.events]
    return Source(
        events=tuple(sorted(events, key=lambda one: moment(one.when))),
        pictures={f: where for f, where in pictures.items() if not verdicts[f].is_conflict},
        skipped={f"task {number}": why for number, why in skipped.items()},
        conflicts=tuple(
            Conflict(frame, dict(data[frame]), verdict.votes)
            for frame, verdict in verdicts.items()
            if verdict.is_conflict
        ),
        agreement=agreement(verdicts.values()),
    )


def _control(file: Path, tasks: Iterable[Task], classes: tuple[str, ...]) -> str:
    """The control that names the class. Raises BadInput where several could."""
    said: dict[str, set[str]] = {}
    for task in tasks:
        for annotation in task.annotations:
            for name, choices in annotation.choices.items():
                if name not in (IMAGE_KEY, *OWN_DATA):
                    said.setdefault(name, set()).update(choices)
    if CONTROL in said or len(said) < 2:
        return CONTROL if CONTROL in said or not said else next(iter(said))
    fitting = [name for name, labels in said.items() if classes and labels <= set(classes)]
    if len(fitting) != 1:
        names = ", ".join(sorted(said))
        raise BadInput(f"{file}: several choices, {names}: --control says which names the class")
    return fitting[0]


def _said(
    task: Task, control: str, frame: str, file: Path, classes: tuple[str, ...]
) -> Iterator[Said]:
    """Raises ValueError where it names no class."""
    source = f"label-studio:{task.project if task.project is not None else file.name}"
    for annotation in task.annotations:
        choices = annotation.choices.get(control, ())
        if len(choices) > 1:
            raise ValueError(f"{len(choices)} choices where one class is wanted")
        for label in choices:
            if complaint := complaint_about_label(label, classes):
                raise ValueError(complaint)
            event = LabelEvent(frame, label, annotation.who, annotation.when, source)
            yield Said(event, annotation.ground_truth)


def _image(data: Mapping[str, Any], key: str) -> str:
    """The address of a task's picture. Raises ValueError where several could be meant."""
    if key or IMAGE_KEY in data:
        name = key or IMAGE_KEY
        if not isinstance(data.get(name), str):
            raise ValueError(f"not as Label Studio exports it (no text in data.{name})")
        return str(data[name])
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    found = {name: value for name, value in texts.items() if is_picture(value)} or texts
    if len(found) != 1:
        names = ", ".join(found) or "nothing"
        raise ValueError(f"{names} could be its picture: --image-key says which is")
    return next(iter(found.values()))


def _locate(image: str, images: Path) -> Path | str:
    """The local file behind a task's picture, or why there is none."""
    try:
        address = urlsplit(image)
    except ValueError as error:
        return f"{image}: {error}"
    if address.path == LOCAL_FILES:
        name = parse_qs(address.query).get("d", [""])[0]
    elif address.path.startswith(UPLOAD):
        name = unquote(address.path.removeprefix(UPLOAD))
    elif address.scheme and len(address.scheme) > 1:  # one letter is a drive of Windows
        return f"{image} is not a local file"
    else:
        name = image
    found = picture_below(images, name)
    if isinstance(found, str) and "\\" in name:
        found = picture_below(images, name.replace("\\", "/"))
    return found
