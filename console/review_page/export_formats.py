"""What people said, in the forms that others read.

    class folders    CLASS/RUN-FRAME.png …, labels.csv: for any trainer, as a zip file or a folder
    Label Studio     one JSON file, read by `python -m training ingest` and by Label Studio's
                     import, and the labelling interface that it is made for

A picture lies in the class that was said last. Pictures of none of the classes, and items whose
picture was not kept, stand in labels.csv alone.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from console.inside import is_name, open_inside
from line.errors import BadInput
from line.outcome import decode_top3
from line.plain_text import cells_of
from line.run_files.review_file import NONE_OF_THESE, Label, QueuedItem, ReviewFile
from line.run_files.run_folder import classes_of

FOLDER = "labelled"
"""class folders are written to RUN_DIR/review/labelled"""
LOCAL_FILES = "/data/local-files/?d="
"""Label Studio serves pictures of its own disk there; its document root is the folder of runs"""
CONTROL, IMAGE = "choice", "image"
"""Names in the labelling interface."""


@dataclass(frozen=True, slots=True)
class Decided:
    """An item with the label that counts; `item` is None if it was never queued."""

    label: Label
    item: QueuedItem | None


def decided(run_dir: Path) -> list[Decided]:
    """All labelled items of a run, by frame. Raises BadInput if the queue is damaged."""
    with ReviewFile(run_dir / "review") as file:
        items = {item.frame_id: item for item in file.items()}
        last = {label.frame_id: label for label in file.history()}
    return [Decided(last[frame_id], items.get(frame_id)) for frame_id in sorted(last)]


def write_zip(run_dir: Path, target: BinaryIO) -> int:
    """Class folders as a zip file; returns how many pictures it holds. BadInput as below."""
    pictures = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # PNG is packed already
        for name, content in _files(run_dir):
            archive.writestr(name, content)
            pictures += name != "labels.csv"
    return pictures


def write_folder(run_dir: Path) -> Path:
    """Class folders as RUN_DIR/review/labelled, which is replaced; returns it.

    Raises:
        BadInput: if a class cannot name a folder, or there is no room; the old one stays.
    """
    review = run_dir / "review"
    target = review / FOLDER
    try:
        draft = Path(mkdtemp(prefix=".labelled-", dir=review))
        try:
            for name, content in _files(run_dir):
                (draft / name).parent.mkdir(exist_ok=True)
                (draft / name).write_bytes(content)
            shutil.copymode(review, draft)
            if target.exists():
                target.replace(draft / ".old")
            draft.replace(target)
            shutil.rmtree(target / ".old", ignore_errors=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise BadInput(f"{target}: {error.strerror or error}") from None
    return target


def label_studio(run_dir: Path) -> str:
    """JSON of the whole queue: what is labelled with its annotations, the rest as open tasks."""
    run = run_dir.resolve().name
    with ReviewFile(run_dir / "review") as file:
        items, said = file.items(), file.history()
    by_frame: dict[str, list[Label]] = {}
    for label in said:
        by_frame.setdefault(label.frame_id, []).append(label)
    tasks = [_task(run, item, by_frame.get(item.frame_id, [])) for item in items]
    return json.dumps(tasks, indent=2, ensure_ascii=False) + "\n"


def labelling_interface(run_dir: Path) -> str:
    """Label Studio's labelling interface for those tasks, with the classes of the run."""
    names = (*(name for name in classes_of(run_dir) if name != NONE_OF_THESE), NONE_OF_THESE)
    choices = "".join(f"    <Choice value={quoteattr(name)}/>\n" for name in names)
    return (
        f'<View>\n  <Image name="{IMAGE}" value="${IMAGE}"/>\n'
        f'  <Choices name="{CONTROL}" toName="{IMAGE}" choice="single">\n{choices}'
        '  </Choices>\n  <Text name="doubt" value="$top3"/>\n</View>\n'
    )


def _task(run: str, item: QueuedItem, said: list[Label]) -> dict[str, Any]:
    return {
        "data": {
            "image": LOCAL_FILES + quote(f"{run}/review/{item.image}"),
            "frame": f"{run}/{item.frame_id}",
            "top3": ", ".join(f"{name} {share:.0%}" for name, share in _ranking(item.top3)),
        },
        "annotations": [
            {
                "result": [_choice(label.label)],
                # Label Studio refuses a `completed_by` that is none of its users.
                "labelled_by": label.who,
                "ground_truth": label == said[-1],
                "created_at": label.when,
                "updated_at": label.when,
                "was_cancelled": False,
            }
            for label in said
        ],
        "predictions": [
            {
                "model_version": "scrapline",
                "score": item.confidence,
                "result": [_choice(item.predicted_class)],
            }
        ],
    }


def _ranking(top3: str) -> list[tuple[str, float]]:
    try:
        return list(decode_top3(top3))
    except ValueError:
        return []


def _choice(label: str) -> dict[str, Any]:
    return {
        "from_name": CONTROL,
        "to_name": IMAGE,
        "type": "choices",
        "value": {"choices": [label]},
    }


def _files(run_dir: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file of the class folders, labels.csv last."""
    run = run_dir.resolve().name
    found = decided(run_dir)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["frame", "picture", "label", "who", "when"])
    for one in found:
        label = one.label
        content = None if label.label == NONE_OF_THESE else _picture(run_dir, one.item)
        name = "" if content is None else _picture_name(run, one)
        if content is not None:
            yield name, content
        row = [f"{run}/{label.frame_id}", name, label.label, label.who, label.when]
        rows.writerow(cells_of(row))
    yield "labels.csv", table.getvalue().encode()


def _picture_name(run: str, one: Decided) -> str:
    """Where its picture lies in the class folders. BadInput if its class can be no folder."""
    assert one.item is not None
    if not is_name(one.label.label):
        raise BadInput(f"class {one.label.label!r} cannot name a folder")
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{run}-{one.label.frame_id}")
    return f"{one.label.label}/{readable}{Path(one.item.image).suffix}"


def _picture(run_dir: Path, item: QueuedItem | None) -> bytes | None:
    """Its picture's file; None if there is none, or not any more."""
    if item is None:
        return None
    try:
        with closing(open_inside(run_dir / "review", item.image)) as file:
            return file.read()
    except BadInput:
        return None
