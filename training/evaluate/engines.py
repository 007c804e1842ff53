"""What a loaded model is and answers, and the engine for ONNX files.

Everything runs on one thread of the CPU, as a worker of a line does.

A file of ours gives embedding and energy by itself. In any other file the input of the softmax
takes the place of the energy, and the input of the last dense layer that of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from scipy.special import logsumexp  # type: ignore[import-untyped]

from training.errors import BadInput
from training.export.contract import EMBEDDING, ENERGY

# Operators that a dense layer becomes, plain and quantised; their first input is wanted.
DENSE = frozenset({"Gemm", "MatMul", "MatMulInteger", "QGemm", "QLinearMatMul"})


@dataclass(frozen=True)
class Taps:
    """Names of tensors; None where the graph does not show such a thing.

    `logits` are looked for only where there is no `energy`.
    """

    probabilities: str
    energy: str | None
    logits: str | None
    embedding: str | None

    @property
    def names(self) -> list[str]:
        """Those there are, the probabilities first."""
        every = (self.probabilities, self.energy, self.logits, self.embedding)
        return [name for name in every if name is not None]


def tap(graph: onnx.GraphProto) -> Taps:
    """Find the tensors, and make outputs of those that are none yet: `graph` changes in place."""
    own = {output.name for output in graph.output}
    first = str(graph.output[0].name)
    energy = ENERGY if ENERGY in own else None
    taps = Taps(
        probabilities=first,
        energy=energy,
        logits=_logits(graph, first) if energy is None else None,
        embedding=EMBEDDING if EMBEDDING in own else _before_last_dense(graph),
    )
    # Without a type: the runtime knows it, and it is not the same in every file.
    graph.output.extend(onnx.ValueInfoProto(name=n) for n in taps.names if n not in own)
    return taps


def maker(graph: onnx.GraphProto, tensor: str) -> onnx.NodeProto | None:
    """The node that computes a tensor; None for inputs and constants."""
    return next((node for node in graph.node if tensor in node.output), None)


def _logits(graph: onnx.GraphProto, probabilities: str) -> str | None:
    last = maker(graph, probabilities)
    return str(last.input[0]) if last is not None and last.op_type == "Softmax" else None


def _before_last_dense(graph: onnx.GraphProto) -> str | None:
    dense = [node for node in graph.node if node.op_type in DENSE]
    return str(dense[-1].input[0]) if dense else None


PREFIX = "scrapline."

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """What a model says of `n` pictures: `probabilities` `[n, classes]`.

    Where it shows them, also `energy` `[n]`, higher for stranger pictures, and `embedding`
    `[n, features]`.
    """

    probabilities: Floats
    energy: Floats | None = None
    embedding: Floats | None = None

    @property
    def is_finite(self) -> bool:
        """Whether all of it is numbers: what is not slips through every comparison."""
        parts = (self.probabilities, self.energy, self.embedding)
        return all(bool(np.isfinite(part).all()) for part in parts if part is not None)


Ask = Callable[[NDArray[np.uint8]], Answer]  # uint8 [n, height, width, 3]


@dataclass(frozen=True)
class Engine:
    """A loaded model: its kind in words, the `scrapline.…` facts inside it, and how to ask it.

    `embeds` says whether its answers hold an embedding.
    """

    kind: str
    facts: Mapping[str, str]
    ask: Ask
    embeds: bool


def onnx_engine(data: bytes) -> Engine:
    """Load an ONNX file. Raises BadInput for bytes that are no such model of pictures.

    What it does not give by itself is read off inside, see onnx_taps.
    """
    try:
        proto = onnx.load_model_from_string(data)
        taps = tap(proto.graph)
        session = ort.InferenceSession(
            proto.SerializeToString(), _one_thread(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # protobuf and the runtime have a type for every kind of damage
        raise BadInput(f"not a model that ONNX Runtime can load: {first_line(error)}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or len(inputs[0].shape) != 4:
        given = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        raise BadInput(f"takes {given}; expected one uint8 [batch, height, width, 3]")

    def ask(images: NDArray[np.uint8]) -> Answer:
        given = dict(
            zip(taps.names, session.run(taps.names, {inputs[0].name: images}), strict=True)
        )
        energy = _floats(given[taps.energy]) if taps.energy else None
        if taps.logits:
            energy = energy_of(_floats(given[taps.logits]))
        embedding = _floats(given[taps.embedding]) if taps.embedding else None
        return Answer(
            probabilities=_floats(given[taps.probabilities]),
            energy=energy,
            embedding=None if embedding is None else embedding.reshape(len(images), -1),
        )

    facts = {entry.key: entry.value for entry in proto.metadata_props}
    return Engine("ONNX", facts, ask, embeds=taps.embedding is not None)


def energy_of(logits: Floats) -> Floats:
    """−ln Σ exp(logit) of logits `[n, classes]`."""
    return _floats(-logsumexp(logits, axis=1))


def _floats(array: Any) -> Floats:
    return np.asarray(array, np.float32)


def _one_thread() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def first_line(error: Exception) -> str:
    """What an error says, in one line of at most 200 characters."""
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else repr(error)
