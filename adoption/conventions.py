"""What a model's own file, and the files that tools leave beside it, tell of it.

Ultralytics    entries of the file: task, names, imgsz, license, docs
timm           config.json beside: pretrained_cfg with mean, std, input_size, crop_pct,
               interpolation, crop_mode; label_names
Hugging Face   preprocessor_config.json beside; config.json with id2label
the line       NAME.class_index.json beside

What is odd in such a file is refused, not passed over: half of a convention would be a guess.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from adoption import class_names
from adoption.foreign_model import ForeignModel
from adoption.preprocessing import PLAIN_MEAN, PRESETS, Colour, Interpolation, Size, Way
from line.errors import BadInput
from line.own_file import read_regular
from line.plain_text import plain

Value = TypeVar("Value")
Table = Mapping[str, Any]

_LARGEST_FILE = 10**7
LARGEST_SIDE_PX = 4096
_CUT_BELOW_PX = 384
"""ConvNeXt: from here on a picture is squashed, below it the middle is cut out."""
_NAMES = ("names", "classes", "labels", "class_names")
"""Entries of a file that may hold class names."""
_INTERPOLATIONS: dict[int | str, Interpolation] = {
    2: "bilinear",
    3: "bicubic",
    "bilinear": "bilinear",
    "bicubic": "bicubic",
}
"""By Pillow's numbers, and by name; all others are taken for bilinear, and it is said."""


@dataclass(frozen=True)
class Told(Generic[Value]):
    """A value, and who says so."""

    value: Value
    source: str


@dataclass(frozen=True)
class Convention:
    """What is known of a model without asking anybody; None where nobody tells."""

    names: Told[class_names.Names] | None = None
    way: Told[Way] | None = None
    size_px: Told[Size] | None = None
    licence: Told[str] | None = None
    origin: Told[str] | None = None
    notes: tuple[str, ...] = ()


def convention_of(model: ForeignModel) -> Convention:
    """The file's own entries count before the files beside it.

    Raises:
        BadInput: naming the file that is not as its convention has it, or a task that is not
            classification.
    """
    try:
        found = _in_entries(model.metadata)
    except BadInput as error:
        raise BadInput(f"{plain(str(model.path))}: {error}") from None
    folder = model.path.parent
    beside: dict[str, Callable[[Table], Convention]] = {
        "preprocessor_config.json": _of_hugging_face,
        "config.json": _of_config,
        f"{model.path.stem}.class_index.json": _of_class_index,
    }
    for name, read in beside.items():
        path = folder / name
        if not path.is_file() and folder.name == "onnx":  # as Hugging Face's repositories have it
            path = folder.parent / name
        if not path.is_file():
            continue
        try:
            table = json.loads(read_regular(path, _LARGEST_FILE, follow_links=True))
            told = read(table) if isinstance(table, dict) else Convention()
        except OSError as error:
            raise BadInput(f"{plain(str(path))}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadInput(
                f"{plain(str(path))}: is not as its convention has it ({plain(str(error), 80)}); "
                "mend it or take it away"
            ) from None
        found = _filled(found, told, name)
    return found


def _filled(found: Convention, told: Convention, source: str) -> Convention:
    """What was found before, its gaps filled by what a file tells."""
    gaps: dict[str, Any] = {}
    for part in ("names", "way", "size_px", "licence", "origin"):
        new = getattr(told, part)
        if getattr(found, part) is None and new is not None:
            gaps[part] = replace(new, source=source)
    return replace(found, **gaps, notes=found.notes + told.notes)


def _told(value: Value | None) -> Told[Value] | None:
    return None if value is None else Told(value, "its entries")


def _text(value: Any) -> Told[str] | None:
    return _told(value) if isinstance(value, str) and value else None


def _in_entries(entries: Mapping[str, str]) -> Convention:
    task = entries.get("task", "classify")
    if task != "classify" and "imgsz" in entries:
        raise BadInput(f"is a model for the task {plain(task, 40)!r}, expected a classifier")
    names = size = None
    key = next((key for key in _NAMES if key in entries), None)
    try:
        if key is not None:
            names = class_names.of_literal(entries[key])
        key = "imgsz"
        if key in entries:
            size = _size(json.loads(entries[key]))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"its entry {key} cannot be read: {plain(str(error), 80)}") from None
    is_ultralytics = "imgsz" in entries and "task" in entries
    return Convention(
        names=_told(names),
        way=_told(PRESETS["yolo"] if is_ultralytics else None),
        size_px=_told(size),
        licence=_text(entries.get("license") or entries.get("licence")),
        origin=_text(entries.get("docs") or entries.get("url") or entries.get("source")),
    )


def _of_class_index(table: Table) -> Convention:
    return Convention(names=_told(class_names.of_table(table)))


def _of_config(table: Table) -> Convention:
    """timm's, or Hugging Face's."""
    names = table.get("label_names") or table.get("id2label")
    told = Convention(
        names=_told(class_names.of_table(names) if names else None),
        origin=_text(table.get("_name_or_path")),
    )
    cfg = table.get("pretrained_cfg", table)
    if not {"mean", "std", "input_size"} <= set(cfg):
        return told
    channels, height, width = cfg["input_size"]
    if channels != 3:
        raise ValueError(f"input_size has {channels} channels")
    interpolation, notes = _interpolation(cfg.get("interpolation", "bicubic"))
    way = Way(
        mean=_times(_colour(cfg["mean"]), 255),
        std=_times(_colour(cfg["std"]), 255),
        resize="squash" if cfg.get("crop_mode") == "squash" else "crop",
        cut_share=_share(cfg.get("crop_pct") or 0.875),
        interpolation=interpolation,
    )
    return replace(
        told,
        way=_told(way),
        size_px=_told(_size([height, width])),
        licence=_text(cfg.get("license")),
        origin=_text(cfg.get("hf_hub_id") or cfg.get("url")),
        notes=notes,
    )


def _of_hugging_face(table: Table) -> Convention:
    """A picture is resized, cut, multiplied by a factor, and normalised, each if its do_… says so.

    `size` is one side or two; one side is the short one where the middle is cut out afterwards.
    """
    if table.get("rescale_offset") or table.get("include_top"):
        raise ValueError("rescale_offset and include_top are not understood")
    size, cut = table["size"], table.get("crop_size")
    cuts = bool(table.get("do_center_crop")) and cut is not None
    short = size.get("shortest_edge") if isinstance(size, dict) else size if cuts else None
    first = (short, short) if short is not None else _size(size)
    last = _size(cut) if cuts else _size(first)
    share = last[0] / first[0]
    if short is not None and not cuts:
        if "crop_pct" not in table:
            raise ValueError("it leaves pictures in their own shape")
        share = _share(table["crop_pct"]) if short < _CUT_BELOW_PX else 1.0
        short = short if short < _CUT_BELOW_PX else None
    factor = float(table.get("rescale_factor", 1 / 255)) if table.get("do_rescale", True) else 1.0
    normalises = table.get("do_normalize", True)
    mean = _colour(table["image_mean"]) if normalises else PLAIN_MEAN
    std = _colour(table["image_std"]) if normalises else (1.0, 1.0, 1.0)
    interpolation, notes = _interpolation(table.get("resample", 2))
    way = Way(
        mean=_times(mean, 1 / factor),
        std=_times(std, 1 / factor),
        resize="squash" if short is None else "crop",
        cut_share=_share(share),
        interpolation=interpolation,
    )
    return Convention(way=_told(way), size_px=_told(last), notes=notes)


def _interpolation(named: Any) -> tuple[Interpolation, tuple[str, ...]]:
    known = _INTERPOLATIONS.get(named)
    if known is not None:
        return known, ()
    return "bilinear", (f"interpolation {plain(str(named), 20)} is taken as bilinear",)


def _colour(values: Any) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _times(colour: Colour, factor: float) -> Colour:
    red, green, blue = colour
    return factor * red, factor * green, factor * blue


def _share(value: Any) -> float:
    share = float(value)
    if not 0.05 <= share <= 1:
        raise ValueError(f"{share:g} is no share that could be cut out")
    return share


def _size(value: Any) -> Size:
    """Of one side, two sides, or a table of height and width."""
    if isinstance(value, dict):
        value = value["height"], value["width"]
    height, width = value if isinstance(value, list | tuple) else (value, value)
    if not all(type(side) is int and 1 <= side <= LARGEST_SIDE_PX for side in (height, width)):
        raise ValueError(f"{plain(str(value), 40)} is no size")
    return height, width
