"""A model in every engine that is installed, on one thread: `python -m benchmarks.speed.engines`.

Plain float32 is the shipped network without its eight bits, see `plain_float`. All take turns, so
that slow changes of the machine meet all of them; ratios are taken within a round.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import entry
from benchmarks.speed.plain_float import plain_float
from line import pictures
from line.config import ROOT
from line.errors import BadInput
from line.section import DEFAULT_ENGINE
from pictures.picture_folder import FoundPictures
from planner.measure.this_machine import cpu_name
from workers.engine import Answers
from workers.engines.opening import engine_version, is_installed, opened
from workers.engines.speeds import processor_flags
from workers.model import Model

Classify = Callable[[NDArray[np.uint8]], Answers]

_MOST_PIXELS = 40e6
_SIZE = (224, 224)
app = typer.Typer(add_completion=False)


@app.command()
def main(
    model: Annotated[Path, typer.Option()] = ROOT / "models" / "scrapline.onnx",
    rounds: Annotated[int, typer.Option(min=1)] = 30,
    runs: Annotated[int, typer.Option(min=1, help="of each engine in a round")] = 20,
    check: Annotated[
        Path | None, typer.Option(help="class folders: how often each is right")
    ] = None,
) -> None:
    """Print a table of medians, and what they were measured on."""
    facts = Model.open(model, DEFAULT_ENGINE).facts
    contenders = _contenders(model.read_bytes())
    picture = np.random.default_rng(0).integers(0, 256, (1, *_SIZE, 3), np.uint8)
    for classify in contenders.values():
        classify(picture)
    times = [
        {name: _median_ms(classify, picture, runs) for name, classify in contenders.items()}
        for _ in range(rounds)
    ]
    plain = next(iter(contenders))
    answers = {} if check is None else _answers(contenders, facts.classes, check)
    print(f"{cpu_name()}: {processor_flags()}")
    print(f"onnxruntime {engine_version('onnxruntime')}", end="")
    print(f", openvino {engine_version('openvino')}" if is_installed("openvino") else "")
    print(f"{rounds} rounds of {runs} pictures, 224 x 224, batch 1, one thread, in turns\n")
    print(
        "| | ms | times plain float32 |"
        + (" right | as ONNX Runtime in eight bits |" * bool(check))
    )
    print("|---|---:|---:|" + "---:|---:|" * bool(check))
    for name in contenders:
        ms = median(each[name] for each in times)
        ratio = median(each[plain] / each[name] for each in times)
        print(f"| {name} | {ms:.2f} | {ratio:.2f} |" + answers.get(name, ""))


def _contenders(data: bytes) -> dict[str, Classify]:
    """The plain one first."""
    plain = plain_float(data)
    found: dict[str, Classify] = {
        "float32, ONNX Runtime": opened("onnxruntime", plain).classify,
        "eight bits, ONNX Runtime": opened("onnxruntime", data).classify,
    }
    if is_installed("openvino"):
        found["float32, OpenVINO"] = _openvino(plain, "f32")
        if "bf16" in processor_flags():
            found["float32 as bf16, OpenVINO"] = _openvino(plain, "bf16")
        found["eight bits, OpenVINO"] = opened("openvino", data).classify
    if is_installed("cuda"):
        found["float32, CUDA"] = opened("cuda", plain).classify
        found["eight bits, CUDA"] = opened("cuda", data).classify
    return found


def _openvino(data: bytes, precision: str) -> Classify:
    from workers.engines.openvino_cpu import OpenVinoEngine

    return OpenVinoEngine(data, {"INFERENCE_PRECISION_HINT": precision}).classify


def _median_ms(classify: Classify, picture: NDArray[np.uint8], runs: int) -> float:
    times = []
    for _ in range(runs):
        began = perf_counter()
        classify(picture)
        times.append(perf_counter() - began)
    return 1000 * median(times)


def _answers(
    contenders: dict[str, Classify], names: tuple[str, ...], folder: Path
) -> dict[str, str]:
    """The last cells of each row."""
    paths = FoundPictures.below(folder).paths
    if not paths:
        raise BadInput(f"--check {folder}: holds no pictures")
    tops: dict[str, list[str]] = {name: [] for name in contenders}
    for path in paths:
        picture = pictures.read(folder / path, _MOST_PIXELS)[None]
        for name, classify in contenders.items():
            tops[name].append(names[int(classify(picture).probabilities[0].argmax())])
    labels = [Path(path).parent.name for path in paths]
    usual = tops["eight bits, ONNX Runtime"]
    return {
        name: f" {_same(top, labels)} of {len(labels)} | {_same(top, usual)} |"
        for name, top in tops.items()
    }


def _same(some: list[str], others: list[str]) -> int:
    return sum(one == other for one, other in zip(some, others, strict=True))


if __name__ == "__main__":
    entry.run(app)
