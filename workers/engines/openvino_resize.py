"""Resizing in OpenVINO as Pillow and ONNX Runtime do it, so that the network sees the same picture.

A Resize with antialias becomes an Interpolate that leaves the antialias out: on photographs that
are made smaller, levels differ by tens. OpenVINO has Pillow's way as well, which takes several
times as long as Pillow itself. So a picture that is resized first of all is resized by Pillow,
outside of the graph; any other resize gets Pillow's way inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset11 as ops
from numpy.typing import NDArray
from PIL import Image

from line.pictures import Picture
from workers.probe import Size

_PILLOW = {
    "linear": "bilinear_pillow",
    "linear_onnx": "bilinear_pillow",
    "cubic": "bicubic_pillow",
}
_SIDES = (1, 2)
"""Height and width of [batch, height, width, 3]."""


def take_out_first_resize(model: ov.Model) -> tuple[ov.Model, Size | None]:
    """The model without a bilinear resize of its input, and the height and width that it gives.

    `model` is changed; None, and the model as it is, where it does not begin with one.
    """
    [image] = model.get_parameters()
    readers = [port.get_node() for port in image.output(0).get_target_inputs()]
    if len(readers) != 1 or _pillows_mode(readers[0]) != "bilinear_pillow":
        return model, None
    resize = readers[0]
    sizes, axes = _constant(resize, 1), _constant(resize, 2)
    if sizes is None or axes is None or tuple(axes.tolist()) != _SIDES:
        return model, None
    height, width = map(int, sizes)
    small = ops.parameter([-1, height, width, 3], np.uint8, image.get_friendly_name())
    resize.output(0).replace(small.output(0))
    return ov.Model([port.get_node() for port in model.outputs], [small]), (height, width)


def resize_as_pillow(model: ov.Model) -> None:
    """Every resize with antialias, in the graph."""
    for node in model.get_ops():
        mode = _pillows_mode(node)
        if mode is None:
            continue
        image, sizes = node.input_value(0), node.input_value(1)
        axes = np.array([2, 3]) if node.get_input_size() < 3 else _constant(node, 2)
        if node.get_input_size() < 3:  # sizes of all four sides, the colours second
            sizes = ops.gather(sizes, axes, 0).output(0)
        coefficient = node.get_attributes()["cube_coeff"]
        other = ops.interpolate(image, sizes, mode, "sizes", axes=axes, cube_coeff=coefficient)
        node.output(0).replace(other.output(0))
    model.validate_nodes_and_infer_types()


def resized(batch: Picture, size: Size) -> Picture:
    """uint8 [n, height, width, 3] of that height and width."""
    height, width = size
    if batch.shape[1:3] == size:
        return batch
    bilinear = Image.Resampling.BILINEAR
    return np.stack(
        [np.asarray(Image.fromarray(each).resize((width, height), bilinear)) for each in batch]
    )


def _pillows_mode(node: Any) -> str | None:
    """Pillow's way to do the same; None for what is no resize with antialias to given sizes."""
    if node.get_type_name() != "Interpolate":
        return None
    facts = node.get_attributes()
    if not facts["antialias"] or facts["shape_calculation_mode"] != "sizes":
        return None
    return _PILLOW.get(facts["mode"])


def _constant(node: Any, number: int) -> NDArray[np.int64] | None:
    """An input's value, if that is a constant."""
    if node.get_input_size() <= number:
        return None
    source = node.input_value(number).get_node()
    if source.get_type_name() != "Constant":
        return None
    return np.asarray(source.get_data(), np.int64)
