"""Label Studio's JSON: exports read, tasks with predictions written.

Made for this labelling interface (Settings → Labeling Interface → Code):

    <View>
      <Image name="image" value="$image"/>
      <Choices name="choice" toName="image" choice="single">
        <Choice value="glass"/> …
      </Choices>
      <Text name="doubt" value="$top3"/>
    </View>

A task's `data.frame`, which our own tasks carry, ties an annotation to the line's item again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from training.errors import BadInput
from training.ingest.label_event import LabelEvent, Source, moment, picture_below
from training.ingest.review_queue import QueuedItem
from training.whole_file import replace_text

IMAGE, CHOICE = "image", "choice"
MODEL = "scrapline"
LOCAL_FILES, UPLOAD = "/data/local-files/", "/data/upload/"


def read_export(file: Path, images: Path) -> Source:
    """All single choices of an export, by time; `images` is where its pictures lie.

    Skipped and empty annotations say nothing. Raises BadInput that names the file and the task.
    """
    events: list[LabelEvent] = []
    pictures: dict[str, Path | str] = {}
    for number, task in enumerate(_tasks(file), start=1):
        where = f"{file}, task {number}"
        try:
            image = _text(task["data"]["image"])
            frame = _text(task["data"].get("frame", image))
            source = f"label-studio:{task.get('project', file.name)}"
            found = list(_annotations(task, where))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise BadInput(f"{where}: not as Label Studio exports it ({error!r})") from error
        events += [LabelEvent(frame, label, who, when, source) for label, who, when in found]
        if found:
            pictures[frame] = _locate(image, images)
    return Source(tuple(sorted(events, key=lambda one: moment(one.when))), pictures)


def write_tasks(file: Path, items: Sequence[QueuedItem], run: str, image_prefix: str) -> None:
    """Tasks of a run's items for Label Studio's import, each with the model's best class ticked.

    The picture is `image_prefix` + RUN/review/images/…; with the default prefix Label Studio
    serves local files, and its document root is the folder that holds the run.
    """
    tasks = [_task(item, run, image_prefix) for item in items]
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_text(file, json.dumps(tasks, indent=2, ensure_ascii=False) + "\n")


def _task(item: QueuedItem, run: str, image_prefix: str) -> dict[str, Any]:
    best, probability = item.top3[0]
    choice = {
        "from_name": CHOICE,
        "to_name": IMAGE,
        "type": "choices",
        "value": {"choices": [best]},
    }
    return {
        "data": {
            "image": image_prefix + quote(f"{run}/review/{item.image}"),
            "frame": f"{run}/{item.frame_id}",
            "top3": ", ".join(f"{name} {share:.0%}" for name, share in item.top3),
        },
        "predictions": [{"model_version": MODEL, "score": probability, "result": [choice]}],
    }


def _tasks(file: Path) -> list[Any]:
    try:
        tasks = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(tasks, list):
        raise BadInput(f"{file}: not a list of tasks; export as JSON, not JSON-MIN or CSV")
    return tasks


def _annotations(task: dict[str, Any], where: str) -> Iterator[tuple[str, str, str]]:
    """(label, who, when) of each annotation that says something."""
    for annotation in task["annotations"]:
        if annotation.get("was_cancelled"):
            continue
        choices = [
            _text(choice)
            for result in annotation["result"]
            if result["type"] == "choices"
            for choice in result["value"]["choices"]
        ]
        if len(choices) > 1:
            raise BadInput(f"{where}: {len(choices)} choices where one class is wanted")
        when = _text(annotation.get("updated_at") or annotation.get("created_at") or "")
        try:
            moment(when)
        except ValueError:
            raise BadInput(f"{where}: {when!r} is not a time") from None
        for label in choices:
            yield label, _who(annotation.get("completed_by")), when


def _who(completed_by: object) -> str:
    """A user's number, or the user with an address, as exports with user details have it."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text is expected")
    return value


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
    elif address.scheme:
        return f"{image} is not a local file"
    else:
        name = image
    return picture_below(images, name)
