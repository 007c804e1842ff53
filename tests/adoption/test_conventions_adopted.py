"""Models in each convention are adopted, and answer as the original does on pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image

from line.errors import BadInput
from tests.adoption.adopting import adopted, loaded, original
from tests.adoption.foreign_files import (
    NAMES,
    changed,
    giving,
    network,
    pictures,
    write_json,
)
from workers.model import Model

TOLERANCE = 0.02
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

Prepare = Callable[[Image.Image], NDArray[np.float32]]
"""A picture → [height, width, 3] of what the network takes."""


def normalised(image: Image.Image, mean: Any, std: Any) -> NDArray[np.float32]:
    return np.asarray((np.asarray(image, np.float32) / 255 - mean) / std, np.float32)


def squashed(image: Image.Image, size: int = 32) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BILINEAR)


def cropped(
    image: Image.Image,
    short: int,
    size: int,
    kind: Image.Resampling = Image.Resampling.BILINEAR,
) -> Image.Image:
    """torchvision's Resize(short) and CenterCrop(size), written down anew."""
    width, height = image.size
    if width <= height:
        sides = short, min(int(short * height / width), 16 * short)
    else:
        sides = min(int(short * width / height), 16 * short), short
    resized = image.resize(sides, kind)
    left, top = round((sides[0] - size) / 2), round((sides[1] - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def imagenet(image: Image.Image) -> NDArray[np.float32]:
    return normalised(cropped(image, 36, 32), *IMAGENET)


def keras_tf(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(np.asarray(squashed(image), np.float32) / 127.5 - 1, np.float32)


def keras_caffe(image: Image.Image) -> NDArray[np.float32]:
    blue_first = np.asarray(squashed(image), np.float32)[..., ::-1]
    return np.asarray(blue_first - np.float32([103.939, 116.779, 123.68]), np.float32)


def yolo(image: Image.Image) -> NDArray[np.float32]:
    return normalised(cropped(image, 32, 32), 0, 1)


def letterboxed(image: Image.Image) -> NDArray[np.float32]:
    scale = min(32 / image.width, 32 / image.height)
    sides = int(image.width * scale + 0.5), int(image.height * scale + 0.5)
    whole = Image.new("RGB", (32, 32), (114, 114, 114))
    inner = image.resize(sides, Image.Resampling.BILINEAR)
    whole.paste(inner, ((32 - sides[0]) // 2, (32 - sides[1]) // 2))
    return normalised(whole, 0, 1)


def assert_alike(
    path: Path, model: Model, prepare: Prepare, *, channels_last: bool = False, kind: Any = None
) -> None:
    """The adopted model's answers are the original's, on pictures of many shapes."""
    tops = set()
    for picture in pictures():
        numbers = prepare(Image.fromarray(picture))
        numbers = numbers if channels_last else numbers.transpose(2, 0, 1)
        wanted = original(path, np.ascontiguousarray(numbers[None], kind or np.float32))
        given = model.classify(picture[None])[0]
        assert np.abs(wanted - given).max() < TOLERANCE
        tops.add(int(given.argmax()))
    assert len(tops) > 1, "the answers depend on the picture"


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 23, 26])
@pytest.mark.parametrize("head", ["logits", "softmax"])
def test_every_opset_is_taken(tmp_path: Path, opset: int, head: Any) -> None:
    path = network(tmp_path / "a.onnx", opset=opset, head=head)
    model = loaded(path)
    assert model.facts.classes == NAMES
    assert model.size_px == (32, 32)
    assert_alike(path, model, imagenet)


@pytest.mark.parametrize(
    ("preset", "prepare"),
    [
        ("imagenet", imagenet),
        ("keras-tf", keras_tf),
        ("keras-caffe", keras_caffe),
        ("yolo", yolo),
        ("none", lambda image: np.asarray(squashed(image), np.float32)),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_presets(tmp_path: Path, preset: str, prepare: Prepare, channels_last: bool) -> None:
    sharpness = 0.02 if preset in ("none", "keras-caffe") else 2.0
    path = network(tmp_path / "a.onnx", channels_last=channels_last, sharpness=sharpness)
    assert_alike(path, loaded(path, preset=preset), prepare, channels_last=channels_last)


def test_options_go_before_a_preset(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx", channels_last=True)
    wishes = {"preset": "imagenet", "mean": (0.0,) * 3, "std": (1.0,) * 3, "resize": "letterbox"}
    made = adopted(path, **wishes)
    said = {row.what: row.source for row in made.rows}
    assert said["mean, levels 0…255"] == "--mean, --std"
    assert said["resize"] == "--resize"
    assert said["colours"] == "--preset imagenet"
    assert_alike(path, loaded(path, **wishes), letterboxed, channels_last=True)


@pytest.mark.parametrize(
    ("element", "kind", "prepare"),
    [
        (TensorProto.FLOAT16, np.float16, imagenet),
        (TensorProto.UINT8, np.uint8, lambda image: np.asarray(squashed(image), np.float32)),
    ],
)
def test_other_inputs(tmp_path: Path, element: int, kind: Any, prepare: Prepare) -> None:
    path = network(tmp_path / "a.onnx", element=element)
    assert_alike(path, loaded(path), prepare, kind=kind)


def test_a_free_size_is_the_one_asked_for(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx", size=None, sharpness=4)
    model = loaded(path, size_px=(28, 28), preset="none", mean=(0.0,) * 3, std=(1.0,) * 3)
    assert model.size_px == (28, 28)
    assert_alike(path, model, lambda image: normalised(squashed(image, 28), 0, 1))
    assert loaded(path, preset="yolo").size_px == (224, 224)


@pytest.mark.parametrize("resize", ["squash", "crop", "letterbox"])
@pytest.mark.parametrize("preset", ["imagenet", "yolo"])
def test_a_size_need_not_be_square(tmp_path: Path, resize: str, preset: str) -> None:
    path = network(tmp_path / "a.onnx", size=None)
    made = adopted(path, size_px=(40, 60), resize=resize, preset=preset)
    assert made.parity.levels <= 2.01
    assert made.parity.largest_difference < TOLERANCE


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_run_with_single_pictures(tmp_path: Path, batch: int) -> None:
    path = network(tmp_path / "a.onnx", batch=batch)
    model = loaded(path)
    assert model.takes.batch == 1
    free = loaded(network(tmp_path / "b.onnx"))
    assert free.takes.batch is None
    for picture in pictures():
        wanted = free.classify(picture[None])
        assert np.abs(model.classify(picture[None]) - wanted).max() < 1e-5


def test_a_batch_that_is_free_in_name_alone_is_found_out(tmp_path: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        flatten = next(node for node in model.graph.node if node.op_type == "Flatten")
        flatten.CopyFrom(helper.make_node("Reshape", ["cells", "fixed"], ["row"]))
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(np.array([1, 48]), "fixed"),
        )

    path = changed(network(tmp_path / "a.onnx"), fix)
    assert loaded(path).takes.batch == 1


def test_weights_beside_are_taken_in(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx")
    model = onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    made = loaded(path)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    moved = (tmp_path / "a.adopted.onnx").rename(moved / "b.onnx")
    assert Model.load(moved, "onnxruntime").facts.classes == NAMES
    assert_alike(path, made, imagenet)


def test_weights_may_be_links_as_in_a_cache_of_downloads(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx")
    plain = loaded(path)
    model = onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    kept, shown = tmp_path / "kept", tmp_path / "shown"
    kept.mkdir()
    shown.mkdir()
    for name in ("a.onnx", "w.bin"):
        (tmp_path / name).rename(kept / name)
        (shown / name).symlink_to(kept / name)
    picture = pictures()[0][None]
    assert np.array_equal(loaded(shown / "a.onnx").classify(picture), plain.classify(picture))


def test_the_answer_is_chosen_by_its_shape(tmp_path: Path) -> None:
    def add(model: onnx.ModelProto) -> None:
        graph = model.graph
        graph.node.append(helper.make_node("Softmax", ["logits"], ["likely"], axis=1))
        for name, shape in (("cells", ["n", 3, 4, 4]), ("row", ["n", 48]), ("likely", ["n", 6])):
            value = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            graph.output.insert(0 if name == "row" else len(graph.output), value)

    path = changed(network(tmp_path / "a.onnx"), add)
    rows = {row.what: row.value for row in adopted(path).rows}
    assert rows["output"] == "likely, of 4 by its shape: probabilities"


# -- conventions of others' tools ----------------------------------------------------------------


def test_ultralytics(tmp_path: Path) -> None:
    entries = {
        "task": "classify",
        "imgsz": "[32, 32]",
        "names": repr(dict(enumerate(NAMES))),
        "license": "AGPL-3.0",
        "docs": "docs of it",
    }
    path = network(tmp_path / "a.onnx", head="softmax", entries=entries)
    made = adopted(path)
    assert {row.what: row.source for row in made.rows}["classes"] == "its entries"
    assert_alike(path, loaded(path), yolo)


def test_timm(tmp_path: Path) -> None:
    half = [0.5, 0.5, 0.5]
    pretrained = {"input_size": [3, 32, 32], "mean": half, "std": half, "crop_pct": 0.8}
    pretrained |= {"interpolation": "bicubic", "license": "apache-2.0"}
    table = {"label_names": list(NAMES), "pretrained_cfg": pretrained}
    write_json(tmp_path / "config.json", table)
    path = network(tmp_path / "a.onnx")
    bicubic = Image.Resampling.BICUBIC
    prepare = lambda image: normalised(cropped(image, 40, 32, bicubic), 0.5, 0.5)  # noqa: E731
    made = loaded(path)
    assert made.facts.classes == NAMES
    assert_alike(path, made, prepare)


def hugging_face(folder: Path, **changes: object) -> None:
    write_json(folder / "config.json", {"id2label": {str(n): c for n, c in enumerate(NAMES)}})
    table = {"do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 255, "resample": 2}
    table |= {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 32, "width": 32}}
    write_json(folder / "preprocessor_config.json", table | changes)


@pytest.mark.parametrize(
    ("changes", "prepare"),
    [
        ({}, lambda image: normalised(squashed(image), 0.5, 0.25)),
        (
            {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": 32},
            lambda image: normalised(cropped(image, 40, 32), 0.5, 0.25),
        ),
        (
            {"size": {"shortest_edge": 32}, "crop_pct": 0.8},
            lambda image: normalised(cropped(image, 40, 32), 0.5, 0.25),
        ),
        ({"do_normalize": False}, lambda image: normalised(squashed(image), 0, 1)),
        (
            {"size": 40, "do_center_crop": False, "crop_size": None},
            lambda image: normalised(squashed(image), 0.5, 0.25),
        ),
    ],
)
def test_hugging_face(tmp_path: Path, changes: dict[str, object], prepare: Prepare) -> None:
    hugging_face(tmp_path, **changes)
    path = network(tmp_path / "a.onnx")
    model = loaded(path)
    assert model.facts.classes == NAMES
    assert_alike(path, model, prepare)


def test_a_repository_of_hugging_face_keeps_its_files_one_folder_up(tmp_path: Path) -> None:
    hugging_face(tmp_path)
    (tmp_path / "onnx").mkdir()
    sides = ["batch_size", "num_channels", "height", "width"]
    path = network(tmp_path / "onnx" / "model.onnx", size=None, input_sides=sides, sharpness=4)
    model = loaded(path)
    assert (model.facts.classes, model.size_px) == (NAMES, (32, 32))
    assert_alike(path, model, lambda image: normalised(squashed(image), 0.5, 0.25))


@pytest.mark.parametrize(
    "changes",
    [{"size": {"shortest_edge": 32}}, {"image_mean": [1, 2]}, {"size": {"longest_edge": 3}}],
)
def test_half_a_convention_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    hugging_face(tmp_path, **changes)
    with pytest.raises(BadInput, match=r"preprocessor_config\.json: is not as its convention"):
        adopted(network(tmp_path / "a.onnx"))


# -- what is written -----------------------------------------------------------------------------


def test_the_files_entries_are_those_of_the_trainers_files(tmp_path: Path) -> None:
    from training.export.contract import FileFacts
    from training.report.model_text import ReportedModel

    path = network(tmp_path / "a.onnx", entries={"author": "somebody"})
    model = loaded(path)
    trainers = FileFacts(NAMES, (32, 32), "x", "y", 0.5).as_strings()
    assert {f"scrapline.{key}" for key in model.engine.metadata} >= set(trainers)
    record = json.loads(model.engine.metadata["adopted"])
    assert record["file"] == "a.onnx"
    assert model.threshold == 0.6
    reported = ReportedModel.open(tmp_path / "a.adopted.onnx")
    assert reported.parity is not None
    assert reported.parity["pictures"] == 7


def test_what_was_not_told_is_called_assumed(tmp_path: Path) -> None:
    said = {row.what: row.source for row in adopted(network(tmp_path / "a.onnx")).rows}
    assert said["mean, levels 0…255"] == "assumed: imagenet"
    assert said["size, height x width"] == "its input"
    assert said["threshold"] == "assumed"


def test_a_constant_answer_is_adopted_too(tmp_path: Path) -> None:
    path = giving(tmp_path / "a.onnx", ("answer", [1, 6, 1, 1]))
    assert np.allclose(loaded(path).classify(pictures()[0][None]), 1 / 6)
