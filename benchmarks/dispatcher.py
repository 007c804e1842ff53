"""`python -m benchmarks.dispatcher`: what the dispatcher uses of the processor for an item.

It stands in a whole line, over real sockets, between a camera, workers and the log. The model looks
at one pixel and answers at once, so that the dispatcher has as many items as it can take.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console

from benchmarks.entry import run
from benchmarks.speed.measured_line import MeasuredLine, by_role, measure
from drill.page import Page, Table

CLASSES = ("glass", "metal")
_OPSET, _IR_VERSION = 17, 8
_PICTURES = 8
app = typer.Typer(add_completion=False)


class Picture(StrEnum):
    """How large the pictures are, in bytes."""

    SMALL = "230kB"
    STRIP = "6MB"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return (320, 240) if self is Picture.SMALL else (2000, 1000)


@dataclass(frozen=True)
class DispatcherCost:
    """Of one run. `processor_ms`: of the dispatcher, for an item."""

    line: MeasuredLine

    @property
    def processor_ms(self) -> float:
        return self.line.processor_ms.get("dispatcher", 0.0)


@app.command()
def main(
    picture: Annotated[Picture, typer.Option(help="size of a picture, raw")] = Picture.SMALL,
    items: Annotated[int, typer.Option(min=20, help="items a round")] = 3000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    line_set: Annotated[
        list[str] | None, typer.Option(help="section.key=value of the line; may be repeated")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="page with <!-- dispatcher -->")] = None,
) -> None:
    """Processor time of the dispatcher for an item, and what the other processes use beside it."""
    page = None if markdown is None else Page(markdown, "dispatcher")
    with tempfile.TemporaryDirectory() as folder:
        options = prepared(Path(folder), picture, workers)
        options += [f"--set={assignment}" for assignment in line_set or ()]
        costs = [DispatcherCost(measure(items, options)) for _ in range(rounds)]
    found = table(costs, picture, items)
    found.print(Console())
    if page is not None:
        page.fill([found])


def prepared(folder: Path, picture: Picture, workers: int) -> list[str]:
    """Put model and pictures into the folder; the options of a line that runs with them."""
    model = write_instant_model(folder / "instant.onnx")
    width, height = picture.size
    pictures = folder / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(7)
    for number in range(_PICTURES):
        levels = noise.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(levels).save(pictures / f"{number}.bmp")
    settings = {
        "camera.width_px": width,
        "camera.height_px": height,
        "camera.effects": "off",
        "belt.residue_class": "",
        "review.enabled": "false",
    }
    return [
        *(f"--set={key}={value}" for key, value in settings.items()),
        f"--model={model}",
        f"--source={pictures}",
        "--order=random",
        "--speed=max",
        f"--workers={workers}",
    ]


def write_instant_model(path: Path) -> Path:
    """A model that takes pictures of any size and answers by their first pixel."""
    # Not among what the line needs, only among what its developers have.
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "start": np.array([0, 0, 0], np.int64),
        "end": np.array([1, 1, len(CLASSES)], np.int64),
        "axes": np.array([1, 2, 3], np.int64),
        "sides": np.array([1, 2], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["image", "start", "end", "axes"], ["pixel"]),
            helper.make_node("Squeeze", ["pixel", "sides"], ["levels"]),
            helper.make_node("Cast", ["levels"], ["logits"], to=TensorProto.FLOAT),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "instant",
        [
            helper.make_tensor_value_info(
                "image", TensorProto.UINT8, ["batch", "height", "width", 3]
            )
        ],
        [
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, ["batch", len(CLASSES)]
            )
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=_IR_VERSION)
    metadata = {
        "format": "1",
        "classes": json.dumps(CLASSES),
        "size": "[32, 32]",
        "temperature": "1.0",
        "threshold": "0.5",
        "provenance": "benchmarks/dispatcher.py",
    }
    helper.set_model_props(model, {f"scrapline.{key}": value for key, value in metadata.items()})
    path.write_bytes(model.SerializeToString())
    return path


def table(costs: list[DispatcherCost], picture: Picture, items: int) -> Table:
    """A row a round; the other processes by what they do."""
    roles = list(by_role(costs[0].line.processor_ms))
    rows = []
    for number, cost in enumerate(costs, 1):
        spent = by_role(cost.line.processor_ms)
        others = [f"{spent.get(role, 0.0):.3f}" for role in roles if role != "dispatcher"]
        rows.append([str(number), f"{cost.processor_ms:.3f}", f"{cost.line.fps:.0f}", *others])
    return Table(
        f"Dispatcher, {items} items of {picture} a round; ms of processor an item",
        ("round", "dispatcher", "items/s", *(role for role in roles if role != "dispatcher")),
        rows,
        total=["median", f"{median(cost.processor_ms for cost in costs):.3f}"]
        + [""] * (len(roles)),
    )


if __name__ == "__main__":
    run(app)
