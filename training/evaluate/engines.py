"""The three ways to run a model; all take and give the same arrays.

Everything runs on one thread of the CPU, as a worker of a line does.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import nn

from training import backbone
from training.checkpoint import load_checkpoint
from training.errors import BadInput
from training.export.contract import EXTRA_FILE
from training.export.served import resize
from training.transforms import eval_transform

PREFIX = "scrapline."

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """What a model says of `n` pictures: `[n, classes]` each; no logits where it hides them."""

    probabilities: Floats
    logits: Floats | None


Ask = Callable[[NDArray[np.uint8]], Answer]  # uint8 [n, height, width, 3]


@dataclass(frozen=True)
class Engine:
    """A loaded model: its kind in words, the `scrapline.…` facts inside it, and how to ask it."""

    kind: str
    facts: Mapping[str, str]
    ask: Ask


def onnx_engine(data: bytes) -> Engine:
    """Load an ONNX file. Raises BadInput for bytes that are no such model of pictures.

    Where a softmax makes the probabilities, its input is read off as the logits.
    """
    try:
        proto = onnx.load_model_from_string(data)
        logits = _expose_logits(proto.graph)
        session = ort.InferenceSession(
            proto.SerializeToString(), _one_thread(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # protobuf and the runtime have a type for every kind of damage
        raise BadInput(f"not a model that ONNX Runtime can load: {_first_line(error)}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or len(inputs[0].shape) != 4:
        given = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        raise BadInput(f"takes {given}; expected one uint8 [batch, height, width, 3]")
    wanted = [session.get_outputs()[0].name, *([logits] if logits else [])]

    def ask(images: NDArray[np.uint8]) -> Answer:
        probabilities, *rest = session.run(wanted, {inputs[0].name: images})
        return Answer(np.asarray(probabilities, np.float32), rest[0] if rest else None)

    return Engine("ONNX", {entry.key: entry.value for entry in proto.metadata_props}, ask)


def torchscript_engine(data: bytes) -> Engine:
    """Load a TorchScript file. Raises BadInput for bytes that are none."""
    extra: dict[str, Any] = {EXTRA_FILE: ""}
    try:
        with warnings.catch_warnings():
            # torch calls TorchScript deprecated; here it is a format that users ask for by name.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            scripted = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
        facts = {str(k): str(v) for k, v in json.loads(extra[EXTRA_FILE] or "{}").items()}
    except (RuntimeError, ValueError, AttributeError) as error:
        raise BadInput(f"not a TorchScript model: {_first_line(error)}") from error

    @torch.inference_mode()
    def ask(images: NDArray[np.uint8]) -> Answer:
        return Answer(scripted(torch.from_numpy(images)).float().numpy(), None)

    return Engine("TorchScript", facts, ask)


def checkpoint_engine(path: Path) -> Engine:
    """Load a checkpoint, or a run folder's best one, and run it as it was judged in training."""
    checkpoint = load_checkpoint(path)
    settings = checkpoint.train_settings()
    network = backbone.build(settings, len(checkpoint.classes)).model
    network.load_state_dict(checkpoint.weights)
    size_px = [settings.size_px, settings.size_px]
    facts = {
        "scrapline.classes": json.dumps(checkpoint.classes),
        "scrapline.size": json.dumps(size_px),
        "scrapline.backbone": settings.backbone,
    }
    return Engine("checkpoint", facts, _network_ask(network.eval(), size_px))


def maker(graph: onnx.GraphProto, tensor: str) -> onnx.NodeProto | None:
    """The node that computes a tensor; None for inputs and constants."""
    return next((node for node in graph.node if tensor in node.output), None)


def _expose_logits(graph: onnx.GraphProto) -> str | None:
    last = maker(graph, graph.output[0].name)
    if last is None or last.op_type != "Softmax":
        return None
    logits = str(last.input[0])
    if logits not in {output.name for output in graph.output}:
        graph.output.append(helper.make_empty_tensor_value_info(logits))
    return logits


def _one_thread() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _network_ask(network: nn.Module, size_px: list[int]) -> Ask:
    normalise = eval_transform()

    @torch.inference_mode()
    def ask(images: NDArray[np.uint8]) -> Answer:
        logits = network(normalise(resize(torch.from_numpy(images), size_px)))
        return Answer(torch.softmax(logits, dim=1).numpy(), logits.numpy())

    return ask


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else repr(error)
