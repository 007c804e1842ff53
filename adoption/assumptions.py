"""What is taken for granted of a model: from options, its file, its convention, or a guess.

Whoever adopts a model sees each of them in a table, with who says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from onnx import TensorProto

from adoption import class_names
from adoption.class_map import ClassMap, class_map, mapped
from adoption.conventions import Convention, Told
from adoption.foreign_model import ForeignModel
from adoption.preprocessing import PRESETS, Colour, Resize, Size, Way, in_levels
from line.errors import BadInput
from line.plain_text import plain
from pictures.class_names import complaint_about_names

USUAL_PX = (224, 224)
ASSUMED = "assumed"


@dataclass(frozen=True)
class Wishes:
    """Options; None = as the file or its convention says. `mean` and `std` as they were given."""

    classes: str | None = None
    map: str | None = None
    preset: str | None = None
    size_px: Size | None = None
    mean: Colour | None = None
    std: Colour | None = None
    resize: Resize | None = None
    bgr: bool = False
    check: Path | None = None
    calibrate: Path | None = None
    max_pixels: float = math.inf


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    value: str
    source: str


@dataclass(frozen=True)
class Assumptions:
    """`names` is empty where nobody tells them; `table`: which of them go into one bin."""

    names: Told[class_names.Names]
    table: ClassMap
    size_px: Told[Size]
    way: Way
    way_sources: tuple[str, str, str]
    """of the colours' numbers, the resize, the colours' order"""

    @property
    def bins(self) -> class_names.Names:
        """Classes of the file that is written, in the order of its outputs."""
        return mapped(self.names.value, self.table)

    @property
    def rows(self) -> list[Row]:
        colours, resize, order = self.way_sources
        height, width = self.size_px.value
        bins = [Row("added up to", _some(self.bins), "--map")] if self.table else []
        return [
            Row("classes", _some(self.names.value), self.names.source),
            *bins,
            Row("size, height x width", f"{height}x{width} px", self.size_px.source),
            Row("resize", _resize_in_words(self.way, self.size_px.value), resize),
            Row("mean, levels 0…255", _shown(self.way.mean), colours),
            Row("std, levels 0…255", _shown(self.way.std), colours),
            Row("colours", "blue, green, red" if self.way.bgr else "red, green, blue", order),
        ]


def assume(model: ForeignModel, convention: Convention, wishes: Wishes) -> Assumptions:
    """Raises BadInput for options that the file contradicts."""
    where = plain(str(model.path))
    names = convention.names or Told((), ASSUMED)
    if wishes.classes is not None:
        names = Told(class_names.named(wishes.classes), "--classes")
    elif names.value and (complaint := complaint_about_names(names.value)):
        raise BadInput(f"{where}: {complaint}, in {names.source}; give --classes")
    table = class_map(wishes.map) if wishes.map is not None else {}
    if names.value and table and (complaint := complaint_about_names(mapped(names.value, table))):
        raise BadInput(f"--map: {complaint}")
    told = _way(model, convention, wishes)
    way, source = told.value, told.source
    colours = resize = order = source
    if (wishes.mean is None) != (wishes.std is None):
        raise BadInput("--mean and --std belong together")
    if wishes.mean is not None and wishes.std is not None:
        mean, std = in_levels(wishes.mean, wishes.std)
        way, colours = replace(way, mean=mean, std=std), "--mean, --std"
    if wishes.resize is not None:
        share = way.cut_share if wishes.resize == way.resize else 1.0
        way, resize = replace(way, resize=wishes.resize, cut_share=share), "--resize"
    if wishes.bgr:
        way, order = replace(way, bgr=True), "--bgr"
    if model.element == TensorProto.UINT8 and not way.is_plain:
        raise BadInput(
            f"{where}: its input takes levels as they are (uint8), not the numbers of {colours}: "
            "give --preset none"
        )
    size_px = _size(model, convention, wishes)
    return Assumptions(names, table, size_px, way, (colours, resize, order))


def _way(model: ForeignModel, convention: Convention, wishes: Wishes) -> Told[Way]:
    if wishes.preset is not None:
        return Told(PRESETS[wishes.preset], f"--preset {wishes.preset}")
    if convention.way is not None:
        return convention.way
    if model.element == TensorProto.UINT8:
        return Told(PRESETS["none"], "its input is uint8")
    preset = "keras-tf" if model.channels_last else "imagenet"
    return Told(PRESETS[preset], f"{ASSUMED}: {preset}")


def _size(model: ForeignModel, convention: Convention, wishes: Wishes) -> Told[Size]:
    wanted = Told(USUAL_PX, ASSUMED)
    if wishes.size_px is not None:
        wanted = Told(wishes.size_px, "--size")
    elif convention.size_px is not None:
        wanted = convention.size_px
    height, width = model.size_px
    if height is None and width is None:
        return wanted
    fixed = height or wanted.value[0], width or wanted.value[1]
    if wishes.size_px is not None and fixed != wishes.size_px:
        raise BadInput(f"--size: its input takes pictures of {fixed[0]}x{fixed[1]} only")
    return Told(fixed, "its input")


def _resize_in_words(way: Way, size_px: Size) -> str:
    height, width = way.resized_px(size_px)
    words = {
        "squash": f"squash to {height}x{width}",
        "crop": f"cover {height}x{width}",
        "letterbox": f"fit into {height}x{width}, grey bars",
    }[way.resize]
    cuts = way.resize == "crop" or (way.resize == "squash" and (height, width) != size_px)
    return words + ", cut the middle out" * cuts + f" ({way.interpolation})"


def _some(names: class_names.Names) -> str:
    return ", ".join(names[:6]) + (f" … ({len(names)})" if len(names) > 6 else "")


def _shown(colour: Colour) -> str:
    return ", ".join(f"{value:.4g}" for value in colour)
