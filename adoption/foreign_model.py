"""A classifier from elsewhere: its ONNX file, read whole, and what it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import onnx
from onnx import TensorProto, external_data_helper, inliner

from adoption.preprocessing import Size
from adoption.torchscript import Program
from line.errors import BadInput
from line.plain_text import plain
from pictures.regular_file import open_regular
from workers.model_file import LARGEST_BYTES, find, read
from workers.reasons import DAMAGED

LARGEST_PROTO = LARGEST_BYTES - 10**6
"""Bytes that a serialised model may have, with room for what is added."""
_OWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
ELEMENTS: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.UINT8: "uint8",
}


@dataclass(frozen=True)
class ForeignModel:
    """`proto`: with all weights inside and its own functions put in.

    `element` is the input's type, of onnx.TensorProto; `batch` and the sides of `size_px` are None
    where any number is taken.
    """

    path: Path
    sha256: str
    proto: onnx.ModelProto
    input_name: str
    element: int
    channels_last: bool
    batch: int | None
    size_px: tuple[int | None, int | None]
    program: Program | None = None
    """the original, where that is TorchScript"""

    @property
    def metadata(self) -> Mapping[str, str]:
        return {entry.key: entry.value for entry in self.proto.metadata_props}

    @property
    def takes(self) -> str:
        """In words: `float32 [any, 3, 224, 224]`."""
        height, width = self.size_px
        sides = (height, width, 3) if self.channels_last else (3, height, width)
        shape = ", ".join("any" if side is None else str(side) for side in (self.batch, *sides))
        return f"{ELEMENTS[self.element]} [{shape}]"

    @classmethod
    def read(cls, path: Path, size_px: Size) -> ForeignModel:
        """Read the file and the weights beside it.

        `size_px`: of a picture that a TorchScript program can be tried on.

        Raises:
            BadInput: naming the path and what is wrong with the file.
        """
        path = find(path)
        try:
            return cls._of(path, size_px)
        except BadInput as error:
            raise BadInput(f"{plain(str(path))}: {plain(str(error))}") from None

    @classmethod
    def _of(cls, path: Path, size_px: Size) -> ForeignModel:
        data, sha256 = read(path, alone=False)
        if path.suffix != ".onnx":
            program = Program.load(data, size_px)
            return replace(cls._of_proto(path, sha256, program.proto), program=program)
        try:
            proto = onnx.load_model_from_string(data)
        except Exception:  # protobuf has a type for every kind of damage
            raise BadInput(DAMAGED) from None
        if not proto.graph.node:
            raise BadInput(DAMAGED)
        _take_weights_in(proto, path.parent)
        return cls._of_proto(path, sha256, _with_functions_put_in(proto))

    @classmethod
    def _of_proto(cls, path: Path, sha256: str, proto: onnx.ModelProto) -> ForeignModel:
        if operator := _strange_operator(proto.graph):
            raise BadInput(
                f"uses the operator {operator}, which is not ONNX's own: export it without"
            )
        constants = {tensor.name for tensor in proto.graph.initializer}
        inputs = [value for value in proto.graph.input if value.name not in constants]
        if len(inputs) != 1:
            names = ", ".join(value.name for value in inputs)
            raise BadInput(f"has {len(inputs)} inputs ({names}), expected one, of pictures")
        [only] = inputs
        kind = only.type.tensor_type
        sides = [dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim]
        shown = "any number" if not sides else [side or "any" for side in sides]
        if len(sides) != 4:
            raise BadInput(f"input {only.name} has the shape {shown}: not of pictures")
        if kind.elem_type not in ELEMENTS:
            name = TensorProto.DataType.Name(kind.elem_type).lower()
            raise BadInput(f"input {only.name} is {name}, expected {', '.join(ELEMENTS.values())}")
        batch, first, second, last = sides
        channels_last = last == 3 and first != 3
        if not channels_last and first not in (3, None):
            raise BadInput(f"input {only.name} has the shape {shown}: no side of 3 colours")
        model = cls(
            path=path,
            sha256=sha256,
            proto=proto,
            input_name=only.name,
            element=kind.elem_type,
            channels_last=channels_last,
            batch=batch,
            size_px=(first, second) if channels_last else (second, last),
        )
        if "scrapline.classes" in model.metadata and channels_last:
            raise BadInput("is a model of the line already: name it with --model")
        return model


def _take_weights_in(proto: onnx.ModelProto, folder: Path) -> None:
    """From files in the model's folder, or links there, as Hugging Face's cache has them.

    Raises BadInput for weights that are not there, or are too large for one file.
    """
    outside = [t for t in proto.graph.initializer if external_data_helper.uses_external_data(t)]
    places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in outside]
    with ExitStack() as opened:
        names = sorted({place.get("location", "") for place in places})
        files = {name: opened.enter_context(_weights_of(folder, name)) for name in names}
        total = proto.ByteSize() + sum(file.seek(0, os.SEEK_END) for file in files.values())
        if total > LARGEST_PROTO:
            raise BadInput(
                f"has {total / 1e9:.1f} GB of weights, more than the 2 GB of one ONNX file"
            )
        for tensor, place in zip(outside, places, strict=True):
            file = files[place.get("location", "")]
            try:
                file.seek(int(place.get("offset", 0)))
                length = int(place.get("length", -1))
            except (ValueError, OSError):
                raise BadInput(f"says wrongly where its weights {plain(tensor.name)} are") from None
            tensor.raw_data = file.read(length)
            if len(tensor.raw_data) < length:
                raise BadInput(f"its weights beside it are cut short: {plain(tensor.name, 80)}")
            del tensor.external_data[:]
            tensor.data_location = TensorProto.DEFAULT


def _weights_of(folder: Path, name: str) -> BinaryIO:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadInput(f"keeps weights outside its folder, in {plain(name, 80)}")
    try:
        return os.fdopen(open_regular(folder / name, follow_links=True), "rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"keeps weights in {plain(name, 80)}: {why}") from None


def _with_functions_put_in(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Exporters of torch keep parts of a graph as functions of the file's own."""
    return inliner.inline_local_functions(proto) if proto.functions else proto


def _strange_operator(graph: onnx.GraphProto) -> str | None:
    """The first operator, domain and name, that ONNX itself does not define."""
    for part in _graphs(graph):
        for node in part.node:
            if node.domain not in _OWN_DOMAINS:
                return f"{node.domain}.{node.op_type}"
    return None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and all graphs within it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _graphs(inner)
