"""Tasks for Label Studio's import, and the labelling interface that they are made for.

FILE.json    the tasks, each with what the model took it for
FILE.xml     the interface: Settings → Labeling Interface → Code

Pictures are served from Label Studio's own disk: it needs LOCAL_FILES_SERVING_ENABLED=true, the
folder that holds the run's folder as LOCAL_FILES_DOCUMENT_ROOT, and a local storage of that folder
in the project's settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from training.ingest.label_event import NONE_OF_THESE, Conflict
from training.ingest.label_studio_file import CONTROL, IMAGE_KEY
from training.ingest.review_queue import QueuedItem
from training.whole_file import replace_text

MODEL = "scrapline"


def write_tasks(
    file: Path,
    items: Sequence[QueuedItem],
    run: str,
    image_prefix: str,
    classes: Sequence[str] = (),
) -> Path:
    """Tasks of a run's items, each with the model's best class ticked; returns the interface.

    The picture is `image_prefix` + RUN/review/images/…; with the default prefix Label Studio
    serves local files, and its document root is the folder that holds the run. The interface
    offers `classes`, or without them those that the model named.
    """
    tasks = [_task(item, run, image_prefix) for item in items]
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_text(file, json.dumps(tasks, indent=2, ensure_ascii=False) + "\n")
    named = sorted({name for item in items for name, _ in item.top3})
    interface = file.with_suffix(".xml")
    replace_text(interface, labelling_interface(classes or named))
    return interface


def labelling_interface(classes: Iterable[str]) -> str:
    """The project's labelling interface."""
    choices = "".join(
        f"    <Choice value={quoteattr(name)}/>\n" for name in (*classes, NONE_OF_THESE)
    )
    return (
        f'<View>\n  <Image name="{IMAGE_KEY}" value="${IMAGE_KEY}"/>\n'
        f'  <Choices name="{CONTROL}" toName="{IMAGE_KEY}" choice="single">\n{choices}'
        '  </Choices>\n  <Text name="doubt" value="$top3"/>\n</View>\n'
    )


def write_conflicts(file: Path, conflicts: Sequence[Conflict]) -> None:
    """The pictures that people disagree on, as tasks; `data.said` has what each of them said."""
    tasks = [{"data": {**conflict.data, "said": conflict.in_words}} for conflict in conflicts]
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_text(file, json.dumps(tasks, indent=2, ensure_ascii=False) + "\n")


def _task(item: QueuedItem, run: str, image_prefix: str) -> dict[str, Any]:
    best, probability = item.top3[0]
    return {
        "data": {
            IMAGE_KEY: image_prefix + quote(f"{run}/review/{item.image}"),
            "frame": f"{run}/{item.frame_id}",
            "top3": ", ".join(f"{name} {share:.0%}" for name, share in item.top3),
        },
        "predictions": [{"model_version": MODEL, "score": probability, "result": [_choice(best)]}],
    }


def _choice(label: str) -> dict[str, Any]:
    return {
        "from_name": CONTROL,
        "to_name": IMAGE_KEY,
        "type": "choices",
        "value": {"choices": [label]},
    }
