"""The model as its maker meant it: pictures prepared by Pillow and NumPy, the original file run.

Nothing of the graph that `adopt` writes is in here, so that the two can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image

from adoption.foreign_model import ForeignModel
from adoption.preprocessing import LONGEST_SIDES, PAD_LEVEL, Size, Way
from adoption.torchscript import Program
from line.errors import BadInput
from line.pictures import Picture
from line.plain_text import plain
from workers.reasons import loading_reason, running_reason

Floats = NDArray[np.float32]

_SILENT = 4
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_KINDS: dict[int, type[np.generic]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.UINT8: np.uint8,
}


@dataclass(frozen=True)
class Reference:
    """The original file in ONNX Runtime, or torch where it is TorchScript; a picture at a time."""

    model: ForeignModel
    session: ort.InferenceSession | Program

    @classmethod
    def load(cls, model: ForeignModel) -> Reference:
        """Raises BadInput for what the runtime cannot load."""
        if model.program is not None:
            return cls(model, model.program)
        try:
            session = _session_of_file(model)
        except Exception as error:  # the runtime has a type for every kind of damage
            raise BadInput(f"{plain(str(model.path))}: {loading_reason(error)}") from None
        return cls(model, session)

    def run(self, numbers: Floats) -> dict[str, NDArray[Any]]:
        """All that the file gives for one picture's numbers [height, width, 3], by name.

        Raises:
            BadInput: if it fails.
        """
        height, width, _ = numbers.shape
        if not self.model.channels_last:
            numbers = numbers.transpose(2, 0, 1)
        batch = np.repeat(numbers[None], self.model.batch or 1, axis=0)
        given = np.ascontiguousarray(batch, dtype=_KINDS[self.model.element])
        try:
            values = self.session.run(None, {self.model.input_name: given})
        except Exception as error:  # the runtime has a type for every kind of failure
            raise BadInput(
                f"{plain(str(self.model.path))}: fails on pictures of {height}x{width}: "
                f"{running_reason(error)}"
            ) from None
        names = [output.name for output in self.session.get_outputs()]
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def _session_of_file(model: ForeignModel) -> ort.InferenceSession:
    """By its path, so that the runtime finds weights beside it by itself."""
    try:
        return session_of(str(model.path))
    except Exception:  # it follows no links to weights
        return session_of(bytes(model.proto.SerializeToString()))


def session_of(model: str | bytes) -> ort.InferenceSession:
    """Of a path or a file's content, which says nothing by itself."""
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    # Its second try with the same provider would only print.
    return ort.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], enable_fallback=0
    )


def prepared(picture: Picture, way: Way, size_px: Size) -> Floats:
    """float32 [height, width, 3] of `size_px`, the colours in the network's order."""
    sized = np.asarray(_sized(Image.fromarray(picture), way, size_px), np.float32)
    colours = sized[..., ::-1] if way.bgr else sized
    mean, std = np.asarray(way.mean, np.float32), np.asarray(way.std, np.float32)
    return np.asarray((colours - mean) / std, np.float32)


def _sized(image: Image.Image, way: Way, size_px: Size) -> Image.Image:
    height, width = size_px
    first_height, first_width = way.resized_px(size_px)
    high, wide = image.height, image.width
    if way.resize == "crop":
        # The short side, measured by what is wanted, gets its length; the other one follows.
        if wide * first_height < high * first_width:
            first_height = min(high * first_width // wide, LONGEST_SIDES * first_height)
        else:
            first_width = min(wide * first_height // high, LONGEST_SIDES * first_width)
    elif way.resize == "letterbox":
        scale = min(height / high, width / wide)
        first_height = max(1, int(high * scale + 0.5))
        first_width = max(1, int(wide * scale + 0.5))
    resized = image.resize((first_width, first_height), _FILTERS[way.interpolation])
    if way.resize == "letterbox":
        whole = Image.new("RGB", (width, height), (PAD_LEVEL,) * 3)
        whole.paste(resized, ((width - first_width) // 2, (height - first_height) // 2))
        return whole
    left, top = round((first_width - width) / 2), round((first_height - height) / 2)
    return resized.crop((left, top, left + width, top + height))
