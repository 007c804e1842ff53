from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from line.errors import BadInput
from tests.tiny_model import CLASSES, tiny_probabilities, write_tiny_model
from workers.engines.onnxruntime_cpu import OnnxEngine
from workers.torchscript import TorchScriptEngine

# Torch would rather be asked for its newer formats; reading the old one stays supported here.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


def noise(count: int, height_px: int = 24, width_px: int = 32) -> np.ndarray:
    """Pictures of different brightness, so that the answers differ."""
    rng = np.random.default_rng(count)
    tint = rng.integers(0, 200, (count, 1, 1, 3))
    return (tint + rng.integers(0, 56, (count, height_px, width_px, 3))).astype(np.uint8)


def graph(
    inputs: list[tuple[str, int, list[Any]]],
    outputs: list[tuple[str, int, list[Any]]],
    nodes: list[onnx.NodeProto],
) -> bytes:
    """An ONNX file of a few nodes, each value as (name, type, shape)."""
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "odd",
            [helper.make_tensor_value_info(*value) for value in inputs],
            [helper.make_tensor_value_info(*value) for value in outputs],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> OnnxEngine:
    path = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny.onnx")
    return OnnxEngine(path.read_bytes())


def test_the_engine_answers_what_the_graph_says(tiny):
    batch = noise(5)

    answers = tiny.classify(batch).probabilities

    assert (answers.shape, answers.dtype) == ((5, len(CLASSES)), np.float32)
    assert np.allclose(answers, tiny_probabilities(batch), atol=1e-5)


def test_every_answer_is_a_distribution(tiny):
    answers = tiny.classify(noise(8)).probabilities

    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert answers.min() >= 0


def test_a_batch_of_one_is_answered_like_a_batch_of_many(tiny):
    batch = noise(7)

    alone = np.concatenate([tiny.classify(picture[None]).probabilities for picture in batch])

    assert np.allclose(tiny.classify(batch).probabilities, alone, atol=1e-6)


def test_pictures_of_any_size_are_taken(tiny):
    sizes = [(1, 1), (24, 32), (300, 17)]

    assert [tiny.classify(noise(2, *size)).probabilities.shape for size in sizes] == [
        (2, len(CLASSES))
    ] * 3


def test_work_costs_time_but_does_not_change_the_answer(tmp_path, tiny):
    path = write_tiny_model(tmp_path / "slow.onnx", work=3)
    batch = noise(2)

    slow = OnnxEngine(path.read_bytes()).classify(batch).probabilities
    assert np.allclose(slow, tiny.classify(batch).probabilities, atol=1e-6)


def test_only_the_lines_own_metadata_is_told_and_without_its_prefix(tmp_path):
    path = write_tiny_model(tmp_path / "a.onnx", ("glass", "paper"))
    model = onnx.load(path)
    helper.set_model_props(
        model, {"scrapline.classes": '["glass", "paper"]', "author": "somebody else"}
    )

    assert OnnxEngine(model.SerializeToString()).metadata == {"classes": '["glass", "paper"]'}


def test_the_tiny_models_metadata_keeps_the_contract(tiny):
    assert set(tiny.metadata) == {
        "format",
        "classes",
        "size",
        "temperature",
        "threshold",
        "provenance",
    }
    assert json.loads(tiny.metadata["classes"]) == list(CLASSES)


def test_a_float_input_is_refused():
    data = graph(
        [("image", TensorProto.FLOAT, ["batch", "height", "width", 3])],
        [("probabilities", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_node("ReduceMean", ["image"], ["probabilities"], axes=[1, 2], keepdims=0)],
    )

    with pytest.raises(BadInput, match=r"input image is tensor\(float\).*expected uint8"):
        OnnxEngine(data)


def test_an_input_of_the_wrong_rank_is_refused():
    data = graph(
        [("image", TensorProto.UINT8, ["batch", "bytes"])],
        [("probabilities", TensorProto.FLOAT, ["batch", "bytes"])],
        [helper.make_node("Cast", ["image"], ["probabilities"], to=TensorProto.FLOAT)],
    )

    with pytest.raises(BadInput, match=r"\['batch', 'bytes'\], expected uint8 \[batch, height"):
        OnnxEngine(data)


def test_a_second_input_is_refused():
    shape = ["batch", "height", "width", 3]
    data = graph(
        [("image", TensorProto.UINT8, shape), ("mask", TensorProto.UINT8, shape)],
        [("probabilities", TensorProto.UINT8, shape)],
        [helper.make_node("Max", ["image", "mask"], ["probabilities"])],
    )

    with pytest.raises(BadInput, match="the model has 2 inputs, expected one"):
        OnnxEngine(data)


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x08\x08" + bytes(100)])
def test_a_file_that_is_no_model_is_refused_in_one_line(data):
    with pytest.raises(BadInput, match="not a model that ONNX Runtime can load") as raised:
        OnnxEngine(data)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_truncated_model_is_refused(tmp_path, share):
    data = write_tiny_model(tmp_path / "a.onnx").read_bytes()

    with pytest.raises(BadInput, match="not a model that ONNX Runtime can load"):
        OnnxEngine(data[: int(share * len(data))])


# -- the fallback without ONNX, where torch is installed -----------------------------------------


def scripted_model(extra: dict[str, str] | str | None) -> bytes:
    """A TorchScript model of three classes: the softmax of the mean colour."""
    torch = pytest.importorskip("torch")

    class MeanColour(torch.nn.Module):
        def forward(self, image):
            return torch.softmax(image.to(torch.float32).mean(dim=[1, 2]) / 32.0, dim=1)

    content = extra if isinstance(extra, str) else json.dumps(extra)
    buffer = io.BytesIO()
    torch.jit.save(
        torch.jit.trace(MeanColour(), torch.zeros((2, 8, 8, 3), dtype=torch.uint8)),
        buffer,
        _extra_files={} if extra is None else {"scrapline.json": content},
    )
    return buffer.getvalue()


@pytest.fixture(scope="module")
def scripted() -> bytes:
    return scripted_model({"scrapline.classes": '["red", "green", "blue"]'})


def test_torchscript_answers_like_onnx(scripted):
    engine = TorchScriptEngine(scripted)
    batch = np.zeros((2, 8, 9, 3), np.uint8)
    batch[1, :, :, 2] = 255

    answers = engine.classify(batch).probabilities

    assert (answers.shape, answers.dtype) == ((2, 3), np.float32)
    assert np.allclose(answers[0], 1 / 3)
    assert answers[1].argmax() == 2


def test_torchscript_answers_a_batch_of_one_like_a_batch_of_many(scripted):
    engine = TorchScriptEngine(scripted)
    batch = noise(4)

    alone = np.concatenate([engine.classify(picture[None]).probabilities for picture in batch])

    assert np.allclose(engine.classify(batch).probabilities, alone, atol=1e-6)


def test_torchscript_takes_pictures_that_may_not_be_written_to(scripted):
    batch = noise(1)
    batch.setflags(write=False)

    assert TorchScriptEngine(scripted).classify(batch).probabilities.shape == (1, 3)


def test_the_metadata_of_torchscript_travels_in_an_extra_file(scripted):
    assert TorchScriptEngine(scripted).metadata == {"classes": '["red", "green", "blue"]'}


def test_torchscript_without_an_extra_file_has_no_metadata():
    assert TorchScriptEngine(scripted_model(None)).metadata == {}


@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_a_file_that_is_no_torchscript_is_refused_in_one_line(data):
    pytest.importorskip("torch")

    with pytest.raises(BadInput, match="not a TorchScript model") as raised:
        TorchScriptEngine(data)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_truncated_torchscript_is_refused(scripted, share):
    with pytest.raises(BadInput, match="not a TorchScript model"):
        TorchScriptEngine(scripted[: int(share * len(scripted))])


@pytest.mark.parametrize("extra", ["not JSON", '["a list"]'])
def test_an_extra_file_that_is_no_object_is_refused(extra):
    with pytest.raises(BadInput, match=r"scrapline\.json"):
        TorchScriptEngine(scripted_model(extra))
