"""Which tensors of an ONNX graph say what: its own outputs, or what is read off on the way.

A file of ours gives embedding and energy by itself. In any other file the input of the softmax
takes the place of the energy, and the input of the last dense layer that of the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

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
