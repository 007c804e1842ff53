"""Run an exported file, and ask whether it answers as the trained network does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from training.errors import ParityError
from training.export.contract import INPUT, OUTPUT
from training.folders import PictureFolder
from training.metrics import Confusion
from training.pictures import Picture, read_pixels

Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # [n, h, w, 3] → [n, classes]

WARM_UP, TIMED = 10, 60


def onnx_runner(model: Path | bytes) -> Runner:
    """Run a file, or its content, with ONNX Runtime on one thread, as a worker of the line does."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        [probabilities] = session.run([OUTPUT], {INPUT: images})
        return np.asarray(probabilities, dtype=np.float32)

    return run


def judge(run: Runner, folder: PictureFolder) -> Confusion:
    """Classify every picture of a folder, one at a time and at its own size.

    Raises ParityError that names a picture for which an answer is not a number.
    """
    predicted = []
    for path in folder.paths:
        answer = run(read_pixels(folder.root / path)[None])
        if not np.isfinite(answer).all():
            raise ParityError(f"the exported file's answer to {folder.root / path} is no number")
        predicted.append(int(answer.argmax()))
    return Confusion.of(folder.classes, np.array(folder.labels), np.array(predicted))


@dataclass(frozen=True)
class Latency:
    """Time of one picture of `size_px` (height, width) at batch 1, milliseconds."""

    size_px: tuple[int, int]
    median_ms: float
    p95_ms: float


def latency(run: Runner, sizes_px: Sequence[tuple[int, int]]) -> list[Latency]:
    """Time batch 1 at each picture size; random pixels, since the arithmetic is the same."""
    rng = np.random.default_rng(0)
    results = []
    for size in sizes_px:
        image = rng.integers(0, 256, (1, *size, 3), dtype=np.uint8)
        times = [_time_ms(run, image) for _ in range(WARM_UP + TIMED)][WARM_UP:]
        median, p95 = np.percentile(times, [50, 95])
        results.append(Latency(size, float(median), float(p95)))
    return results


def _time_ms(run: Runner, image: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    run(image)
    return (time.perf_counter() - began) * 1e3


@dataclass(frozen=True)
class Parity:
    """Largest probability difference over `pictures`, and how many top classes differ.

    A top class that differs is not counted where the network itself holds the two classes to be
    as likely, within the limit.
    """

    pictures: int
    largest_difference: float
    other_top: int


def compare(wanted: Runner, given: Runner, pictures: Sequence[Picture], limit: float) -> Parity:
    """Run both on each picture.

    Raises ParityError beyond `limit`, at another top class, and where either answers with what is
    not a number.
    """
    expected = np.concatenate([wanted(picture[None]) for picture in pictures])
    answers = np.concatenate([given(picture[None]) for picture in pictures])
    for whose, given_by in (("network", expected), ("exported file", answers)):
        if not np.isfinite(given_by).all():
            raise ParityError(f"the {whose} answers with what is not a number")
    rows = np.arange(len(pictures))
    margin = expected.max(1) - expected[rows, answers.argmax(1)]
    parity = Parity(
        pictures=len(pictures),
        largest_difference=float(np.abs(expected - answers).max()),
        other_top=int((margin > limit).sum()),
    )
    if parity.largest_difference > limit or parity.other_top:
        raise ParityError(
            f"the exported file differs from the network: by {parity.largest_difference:.4f} at "
            f"most (limit {limit}), another class on {parity.other_top} of {len(pictures)}"
        )
    return parity
