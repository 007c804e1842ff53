"""What is not a number: never trained on, never written, never read, never compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import onnx
import torch
from colour_models import colour_graph, write_colours
from onnx import helper, numpy_helper
from small_runs import SILENT, small_run

from training.backbone import build
from training.checkpoint import Checkpoint, load_checkpoint
from training.cli import main
from training.compute import Compute
from training.errors import ParityError
from training.export.contract import FileFacts
from training.export.runners import compare
from training.quantize.search import Search
from training.quantize.table import Judged, judge_model
from training.train.batches import val_batches
from training.train.epoch import evaluate
from training.train.fit import Run
from training.train.splits import open_splits

Refused = Callable[..., str]


def stopped_run(data: Path, out: Path, **options: object) -> Checkpoint:
    """A run that stops after the first of two epochs."""
    Run(small_run(data, out, **options), SILENT).one_epoch()
    return load_checkpoint(out / "last.pt")


def ended(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exited:
        main([str(argument) for argument in arguments])
    return exited.value.code


# With one step an epoch only the answers on val show what became of the weights.
@pytest.mark.parametrize(("batch", "reason"), [(8, "the loss of step"), (16, "an answer on val")])
def test_an_epoch_that_runs_away_ends_the_run_and_leaves_the_one_before(
    batch: int, reason: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_run(data, tmp_path, batch=batch)
    kept = {name: (tmp_path / name).read_bytes() for name in ("best.pt", "metrics.json")}
    resume = ("train", "--resume", "--out", tmp_path, "--schedule", "plateau")
    assert ended(*resume, "--rate", "1e37", "--warmup-epochs", "0") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}: epoch 2: {reason}" in line
    assert "--rate 1e+37 is too high" in line
    assert "epoch 1 stands, and --resume" in line
    assert kept == {name: (tmp_path / name).read_bytes() for name in kept}
    assert len(load_checkpoint(tmp_path / "last.pt").history) == 1
    assert ended("train", "--resume", "--out", tmp_path, "--rate", "1e-3") == 0
    assert len(load_checkpoint(tmp_path / "last.pt").history) == 2


def test_options_are_numbers(data: Path, tmp_path: Path, refused: Refused) -> None:
    start = ("train", "--data", data, "--out", tmp_path / "run")
    assert "--rate: Input should be a finite number" in refused(*start, "--rate", "nan")
    assert "--weight-decay" in refused(*start, "--weight-decay", "inf")


@pytest.fixture(scope="module")
def spoilt(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, as an earlier trainer wrote it, with a weight that is not a number."""
    path = tmp_path_factory.mktemp("spoilt") / "spoilt.pt"
    content = torch.load(finished_run / "best.pt", weights_only=True)
    content["weights"]["classifier.3.bias"][0] = math.nan
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("export", "{}", "--out", "{out}/a.onnx"),
        ("quantize", "{}", "--out", "{out}/a.onnx", "--data", "{data}", "--report", "{out}"),
        ("evaluate", "{}", "--data", "{data}/val", "--out", "{out}"),
        ("select", "{data}/val", "--model", "{}", "--count", "2", "--out", "{out}/list.csv"),
        ("audit", "{data}", "--model", "{}", "--out", "{out}"),
        ("average", "{}", "{}", "--out", "{out}/a.pt"),
        ("train", "--data", "{data}", "--out", "{out}", "--weights", "{}"),
    ],
    ids=lambda command: command[0],
)
def test_no_command_takes_such_weights(
    command: tuple[str, ...], spoilt: Path, data: Path, tmp_path: Path, refused: Refused
) -> None:
    given = [word.format(spoilt, out=tmp_path / "out", data=data) for word in command]
    if command[0] == "train":
        given += ["--backbone", "mobilenet_v3_small", "--size-px", "32", "--batch", "8"]
    line = refused(*given)
    assert "spoilt.pt: classifier.3.bias is not all numbers" in line
    assert not list((tmp_path / "out").glob("*"))


def test_a_run_with_such_weights_is_not_gone_on_with(
    data: Path, spoilt: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "last.pt").write_bytes(spoilt.read_bytes())
    assert "is not all numbers" in refused("train", "--resume", "--out", tmp_path)


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model.onnx`, which is at a loss on all but black pictures, and `data/`."""
    root = tmp_path_factory.mktemp("overflowing")
    model = colour_graph()
    [weight] = [each for each in model.graph.initializer if each.name == "weight"]
    huge = np.eye(3, dtype=np.float32) * np.float32(3e38)
    weight.CopyFrom(numpy_helper.from_array(huge, "weight"))
    facts = {"scrapline.classes": '["blue", "green", "red"]', "scrapline.size": "[8, 8]"}
    helper.set_model_props(model, facts)
    onnx.save(model, str(root / "model.onnx"))
    write_colours(
        root / "data",
        {
            "blue": [(0, 0, 60 + n) for n in range(5)],
            "green": [(0, 60 + n, 0) for n in range(5)],
            "red": [(60 + n, 0, 0) for n in range(5)],
        },
    )
    return root


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "{0}/model.onnx", "--data", "{0}/data", "--out", "{1}"),
        ("calibrate", "{0}/model.onnx", "--data", "{0}/data", "--out", "{1}/c.onnx"),
        ("select", "{0}/data", "--model", "{0}/model.onnx", "--count", "2", "--out", "{1}/l.csv"),
        ("audit", "{0}/data", "--model", "{0}/model.onnx", "--out", "{1}"),
    ],
    ids=lambda command: command[0],
)
def test_no_command_takes_such_answers(
    command: tuple[str, ...], overflowing: Path, tmp_path: Path, refused: Refused
) -> None:
    line = refused(*(word.format(overflowing, tmp_path / "out") for word in command))
    assert "answer to" in line
    assert "is not a number" in line
    assert not list((tmp_path / "out").glob("*"))


def test_an_exported_file_that_answers_so_is_no_match() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    right, wrong = np.array([[0.5, 0.5]], np.float32), np.array([[np.nan, np.nan]], np.float32)
    with pytest.raises(ParityError, match="exported file answers with what is not a number"):
        compare(lambda _: right, lambda _: wrong, [picture], 0.02)
    with pytest.raises(ParityError, match="network answers with what is not a number"):
        compare(lambda _: wrong, lambda _: wrong, [picture], 0.02)


def test_a_variant_that_answers_so_is_never_good(overflowing: Path) -> None:
    pictures = np.full((2, 8, 8, 3), 60, np.uint8)
    judged = judge_model(onnx.load(str(overflowing / "model.onnx")), pictures, np.zeros(2, int))
    assert not judged.is_finite
    float32 = Judged(1.0, 0.1, np.eye(2, 3, dtype=np.float32))
    facts = FileFacts(("blue", "green", "red"), (8, 8), "colours", "", 0.5)
    search = Search(facts, pictures, pictures, np.zeros(2, int), float32, 1.0, SILENT)
    one = type("One", (), {"judged": judged})()
    assert search.good([one]) == []


class Noting(torch.nn.Module):
    """Answers with zeros, and notes which arithmetic a convolution on a GPU would have used."""

    def __init__(self) -> None:
        super().__init__()
        self.shortened: list[bool] = []

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        convolution, product = (
            torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
        )
        half = torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu")
        self.shortened.append(convolution or product or half)
        return torch.zeros(len(pictures), 3)


@pytest.mark.parametrize("bf16", [False, True])
def test_pictures_are_judged_in_whole_float32_also_on_a_gpu(
    bf16: bool, data: Path, tmp_path: Path
) -> None:
    splits = open_splits(small_run(data, tmp_path))
    batches = val_batches(splits.judged_by["val"], small_run(data, tmp_path))
    network = Noting()
    assert torch.backends.cudnn.allow_tf32, "PyTorch's default, which training keeps"
    evaluate(network, batches, splits.classes, Compute(torch.device("cpu"), bf16=bf16))
    assert network.shortened
    assert not any(network.shortened)
    assert torch.backends.cudnn.allow_tf32, "training goes on as it was"


@pytest.mark.parametrize(
    ("device", "tolerance"),
    [
        ("cpu", 1e-6),
        pytest.param(
            *("cuda", 1e-4),
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
        ),
    ],
)
def test_the_epoch_is_judged_by_the_arithmetic_that_ships(
    device: str, tolerance: float, data: Path, tmp_path: Path
) -> None:
    settings = small_run(data, tmp_path, precision="bf16", device=device)
    Run(settings, SILENT).one_epoch()
    checkpoint = load_checkpoint(tmp_path)
    network = build(settings, 3).model.eval()
    network.load_state_dict(checkpoint.weights)
    splits = open_splits(settings)
    batches = val_batches(splits.judged_by["val"], settings)
    exact = evaluate(network, batches, splits.classes, Compute(torch.device("cpu"), bf16=False))
    assert checkpoint.history[0]["val_loss"] == pytest.approx(exact.loss, rel=tolerance)
