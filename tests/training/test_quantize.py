"""Eight bits: bytes straight into the first convolution, a table of what was tried, tuning."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import onnx
import onnxruntime as ort
import pandas as pd
import torch
from onnx import TensorProto, helper, numpy_helper
from small_runs import SILENT, small_run, write_pictures

from training.backbone import Network, build
from training.checkpoint import load_checkpoint
from training.cli import main
from training.errors import BadInput, TrainingError
from training.export.contract import FileFacts
from training.export.network import facts_of
from training.export.onnx_file import CENTRED, bare_network, served_model
from training.options import load
from training.pictures import MEAN_PIXEL
from training.quantize.fine_tuning import RoundedActivation, RoundedWeight, rounded, tune, unrounded
from training.quantize.options import QuantizeSettings
from training.quantize.quantize_model import finish
from training.quantize.search import Search
from training.quantize.static import ZERO_POINT, take_pixels_less_zero_point
from training.quantize.table import Row, judge_model
from training.quantize.variant import Variant
from training.train.splits import open_splits


def options(run: Path, data: Path, out: Path, **given: object) -> QuantizeSettings:
    small = {
        "checkpoint": run,
        "data": data,
        "out": out / "small.onnx",
        "report": out / "report",
        "methods": ("minmax",),
        "pictures": 8,
        "max_drop": 1.0,
    }
    return load(QuantizeSettings, {**small, **given})


@pytest.fixture(scope="module")
def quantised(finished_run: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the file and the report that the command line gives, tuned for an epoch."""
    out = tmp_path_factory.mktemp("quantised")
    arguments = ["quantize", finished_run, "--data", data, "--out", out / "small.onnx"]
    arguments += ["--report", out / "report", "--methods", "minmax", "--pictures", 8]
    arguments += ["--tune-epochs", 1, "--max-drop", 1]
    with redirect_stdout(io.StringIO()) as said, pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0
    (out / "said").write_text(said.getvalue())
    return out


def test_figures_on_val_are_said_to_be_a_little_too_good(quantised: Path) -> None:
    said = (quantised / "said").read_text()
    assert "float32: accuracy" in said
    assert "accuracy on val: not clean: val chose the best epoch, and the variant in eight" in said


def test_file_keeps_the_contract(quantised: Path) -> None:
    session = ort.InferenceSession(str(quantised / "small.onnx"))
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 30, 3), dtype=np.uint8)
    probabilities, embedding, energy = session.run(None, {"image": images})
    assert probabilities.shape == (3, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert embedding.shape[0] == 3
    assert energy.shape == (3,)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["scrapline.classes"]) == ["brown", "green", "grey"]


def test_the_picture_reaches_the_first_convolution_as_bytes(quantised: Path) -> None:
    graph = onnx.load(str(quantised / "small.onnx")).graph
    before = []
    for node in graph.node:
        if node.op_type == "Conv":
            break
        before.append(node.op_type)
    assert [op for op in before if op != "DequantizeLinear"] == ["Resize", "Transpose"]


def test_table_holds_every_variant_and_marks_one(quantised: Path) -> None:
    table = pd.read_csv(quantised / "report" / "quantize.csv")
    assert list(table.name[:2]) == ["plain", "float32"]
    types = ("U8S8 channel", "U8S8 tensor", "S8S8 channel")
    assert list(table.name[2:]) == [f"{kind} minmax" for kind in types]
    assert table.chosen.sum() == 1
    assert not table.chosen[:2].any()
    stored = json.loads((quantised / "report" / "quantize.json").read_text())
    [chosen] = [row for row in stored["rows"] if row["chosen"]]
    assert chosen["size_bytes"] == (quantised / "small.onnx").stat().st_size
    assert chosen["drop"] == pytest.approx(stored["rows"][1]["accuracy"] - chosen["accuracy"])


def test_nothing_good_enough_leaves_a_table_and_no_model(
    finished_run: Path, data: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(finished_run)
    settings = options(finished_run, data, tmp_path, max_drop=0.1)
    names = ("plain", "float32", "U8S8 channel minmax")
    rows = [Row(name, 0.5, 1.0, 0.2, 3, 9, 9, 1.0, 1.0, 1.0, False) for name in names]
    with pytest.raises(TrainingError, match=r"--max-drop 0.1: the best, U8S8.*, costs 0.2000"):
        finish(settings, facts_of(checkpoint, settings), None, rows, SILENT)
    assert not (tmp_path / "small.onnx").exists()
    assert list(pd.read_csv(tmp_path / "report" / "quantize.csv").name) == list(names)


def three_layers() -> Network:
    torch.manual_seed(0)
    convolutions = [torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3)]
    pooled = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2)]
    return Network(torch.nn.Sequential(*convolutions, *pooled).eval(), "5")


def test_layers_go_to_float_while_nothing_is_good_enough() -> None:
    network = three_layers()
    facts = FileFacts(("dark", "light"), (16, 16), "three layers", "", 0.5)
    pictures = np.random.default_rng(3).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
    labels = np.zeros(16, np.int64)
    bare = bare_network(network, facts.size_px)
    float32 = judge_model(served_model(bare, facts), pictures, labels)

    better_than_any = replace(float32, accuracy=2.0)
    search = Search(facts, pictures, pictures, labels, better_than_any, 0.0, SILENT)
    tried = search.on(bare, [Variant()], float_layers=3)
    assert [one.variant.name for one in tried] == [
        "U8S8 channel minmax",
        "U8S8 channel minmax 1 in float",
        "U8S8 channel minmax 2 in float",
    ]
    # How near the answers come depends on the processor's instructions, and errors cancel.
    of_all, of_one, of_two = (rounded_layers(one.model) for one in tried)
    assert of_all - of_one == of_one - of_two == 1
    assert all(np.abs(float32.probabilities - t.judged.probabilities).max() < 0.05 for t in tried)


def rounded_layers(model: onnx.ModelProto) -> int:
    """Layers whose weights are eight bits that are taken back to floats."""
    weights = {each.name for each in model.graph.initializer if each.data_type == TensorProto.INT8}
    back = {
        node.output[0]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights
    }
    layers = ("Conv", "Gemm", "MatMul")
    return sum(node.op_type in layers and node.input[1] in back for node in model.graph.node)


@pytest.mark.parametrize("with_bias", [True, False])
def test_means_go_into_the_bias(with_bias: bool) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    tensors = [numpy_helper.from_array(kernel, "kernel")]
    inputs = [CENTRED, "kernel"]
    if with_bias:
        tensors.append(numpy_helper.from_array(rng.normal(size=4).astype(np.float32), "bias"))
        inputs.append("bias")
    shapes = [helper.make_tensor_value_info(CENTRED, TensorProto.FLOAT, [1, 3, 8, 8])]
    answers = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4, 8, 8])]
    nodes = [helper.make_node("Conv", inputs, ["out"], pads=[1, 1, 1, 1])]
    graph = helper.make_graph(nodes, "g", shapes, answers, tensors)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])

    pixels = rng.integers(0, 256, (1, 3, 8, 8)).astype(np.float32)
    mean = np.array(MEAN_PIXEL, np.float32).reshape(1, 3, 1, 1)
    [wanted] = ort.InferenceSession(model.SerializeToString()).run(None, {CENTRED: pixels - mean})
    take_pixels_less_zero_point(model)
    session = ort.InferenceSession(model.SerializeToString())
    [given] = session.run(None, {CENTRED: pixels - ZERO_POINT})
    inner = (..., slice(1, -1), slice(1, -1))
    assert given[inner] == pytest.approx(wanted[inner], abs=1e-2)


def test_network_without_a_first_convolution_is_refused() -> None:
    shapes = [helper.make_tensor_value_info(CENTRED, TensorProto.FLOAT, [1, 3])]
    answers = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3])]
    graph = helper.make_graph([helper.make_node("Neg", [CENTRED], ["out"])], "g", shapes, answers)
    with pytest.raises(BadInput, match="one convolution"):
        take_pixels_less_zero_point(helper.make_model(graph))


def test_rounded_weights_have_few_values_and_a_gradient() -> None:
    weight = torch.randn(2, 500, requires_grad=True)
    result = RoundedWeight()(weight)
    assert all(len(row.unique()) <= 255 for row in result.detach())
    steps = weight.detach().abs().amax(1) / 127
    assert ((result - weight).detach().abs().amax(1) <= steps / 2 + 1e-6).all()
    result.sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))


def test_rounded_activation_follows_the_range_in_training_alone() -> None:
    rounding = RoundedActivation().train()
    values = torch.linspace(0, 6, 2000)
    assert len(rounding(values).unique()) == 256
    assert rounding(torch.zeros(3)).abs().max() == 0
    rounding.eval()
    assert rounding(torch.tensor([99.0])).item() <= 6.001


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0", "resnet18"])
def test_unrounded_gives_the_weights_back(name: str, data: Path, tmp_path: Path) -> None:
    model = build(small_run(data, tmp_path, backbone=name), 3).model.eval()
    copied = rounded(model)
    assert sum(isinstance(module, RoundedActivation) for module in copied.modules()) > 8
    for key, value in unrounded(copied, model).state_dict().items():
        assert torch.equal(value, model.state_dict()[key])


def test_a_network_that_lies_channels_last_still_begins_with_one_convolution() -> None:
    network = three_layers()
    network.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    readers = [n.op_type for n in bare_network(network, (64, 64)).graph.node if CENTRED in n.input]
    assert readers == ["Conv"]


def test_tuning_brings_rounded_answers_closer(data: Path, tmp_path: Path) -> None:
    run = small_run(data, tmp_path, backbone="mobilenet_v2")
    splits = open_splits(run)
    torch.manual_seed(0)
    network: Network = build(run, len(splits.classes))
    tuned = tune(
        network,
        splits,
        run,
        options(tmp_path, data, tmp_path, tune_epochs=2, tune_rate=1e-3),
        SILENT,
    )
    before, after = network.model.state_dict(), tuned.model.state_dict()
    assert any(not torch.equal(before[k], after[k]) for k in before if k.endswith("0.weight"))
    assert all(torch.equal(before[k], after[k]) for k in before if "running" in k)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"out": "m.pt"}, "--out m.pt: must end in .onnx"),
        ({"checkpoint": "nowhere"}, "nowhere"),
        ({"data": "nowhere"}, "nowhere"),
        ({"methods": "guess"}, "--methods"),
    ],
)
def test_bad_input(
    changed: dict[str, str],
    named: str,
    finished_run: Path,
    data: Path,
    tmp_path: Path,
    refused: Callable[..., str],
) -> None:
    given = {
        "checkpoint": finished_run,
        "data": data,
        "out": tmp_path / "m.onnx",
        "report": tmp_path,
        **changed,
    }
    checkpoint = given.pop("checkpoint")
    flags = [part for name, value in given.items() for part in (f"--{name}", value)]
    assert named in refused("quantize", checkpoint, *flags)
    assert not (tmp_path / "m.onnx").exists()


def test_class_that_the_checkpoint_does_not_know(
    finished_run: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    for part in ("train", "val"):
        write_pictures(tmp_path / part, 2, ("brown", "green", "grey", "red"))
    arguments = ["--data", tmp_path, "--out", tmp_path / "m.onnx", "--report", tmp_path]
    assert "red" in refused("quantize", finished_run, *arguments)
