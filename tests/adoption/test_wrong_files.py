"""Files that cannot be adopted: one line each that says why, exit status 2, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from commands.command_line import run_command
from tests.adoption.foreign_files import (
    NAMES,
    changed,
    giving,
    network,
    save_pictures,
    write_json,
)
from tests.odd_models import operator, with_weights_beside
from tests.tiny_model import write_tiny_model

CLASSES = ",".join(NAMES)


def nan(model: onnx.ModelProto) -> None:
    nodes = [
        helper.make_node("Sub", ["logits", "logits"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["nan"]),
    ]
    model.graph.node.extend(nodes)
    model.graph.output[0].name = "nan"


def acme(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("Sort", ["before"], ["logits"], domain="com.acme"))
    model.opset_import.append(helper.make_opsetid("com.acme", 1))


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def newer(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


def broken(path: Path) -> Path:
    data = network(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def text(path: Path) -> Path:
    path.write_text("not a model at all\n")
    return path


def large(path: Path) -> Path:
    model = onnx.load(network(path))
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    with (path.parent / "w.bin").open("r+b") as file:
        file.truncate(2**31 + 1)
    return path


def outside(path: Path) -> Path:
    model = onnx.load(network(path))
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)

    def move(model: onnx.ModelProto) -> None:
        for entry in model.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = "../w.bin"

    model = onnx.load(path, load_external_data=False)
    move(model)
    path.write_bytes(model.SerializeToString())
    return path


def short(path: Path) -> Path:
    model = onnx.load(network(path))
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    with (path.parent / "w.bin").open("r+b") as file:
        file.truncate(40)
    return path


WRONG: list[tuple[str, Callable[[Path], Path], str]] = [
    ("no file", lambda path: path, "no such model file"),
    ("text", text, "not a model but text"),
    ("cut off", broken, "damaged or cut off"),
    ("detector", lambda p: giving(p, ("out", [1, 10, 300])), "(a detector?)"),
    ("boxes", lambda p: giving(p, ("boxes", [7, 4]), ("scores", [7])), "is a detector"),
    ("segmenter", lambda p: giving(p, ("out", [1, 6, 32, 32])), "(a segmenter?)"),
    ("regression", lambda p: giving(p, ("out", [1, 1])), "(a regression?)"),
    ("several", lambda p: network(p, head="sigmoid"), "a probability of each class by itself"),
    ("number", lambda p: network(p, classes=5), "gives 5 (output logits) numbers"),
    ("nan", lambda p: changed(network(p), nan), "gives nan in its output nan"),
    ("operator", lambda p: changed(network(p), acme), "the operator com.acme.Sort"),
    ("inputs", lambda p: changed(network(p), second_input), "has 2 inputs (pixels, mask)"),
    ("opset", lambda p: changed(network(p), newer), "has opset 99, and the newest"),
    ("weights", with_weights_beside, "keeps weights in w.bin: No such file"),
    ("outside", outside, "keeps weights outside its folder"),
    ("short", short, "its weights beside it are cut short"),
    ("large", large, "more than the 2 GB"),
    ("grey", lambda p: network(p, input_sides=["n", 1, 32, 32]), "no side of 3 colours"),
    ("sound", lambda p: network(p, input_sides=["n", 16000]), "not of pictures"),
    ("double", lambda p: network(p, element=TensorProto.DOUBLE), "is double, expected float32"),
    ("ours", write_tiny_model, "is a model of the line already"),
    (
        "another task",
        lambda p: network(p, entries={"task": "detect", "imgsz": "[32, 32]"}),
        "is a model for the task 'detect'",
    ),
]


@pytest.mark.parametrize(("make", "why"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path], why: str
) -> None:
    path = make(tmp_path / "a.onnx")
    out = tmp_path / "out" / "b.onnx"
    told = ["--classes", CLASSES, "--licence", "MIT", "--source", "here"]
    assert run_command(["adopt", str(path), "--out", str(out), *told]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert said.startswith(f"error: {path}: ")
    assert why in said
    assert not out.parent.exists()


WRONG_OPTIONS: list[tuple[list[str], str]] = [
    ([], "names no classes: give --classes, 6 names"),
    (["--classes", "a"], "--classes a: no such file or folder"),
    (["--classes", "a,a"], "class name 'a' stands twice"),
    (["--classes", "a,b"], "there are 2 class names"),
    (["--classes", CLASSES, "--licence", ""], "give --licence TEXT"),
    (["--classes", CLASSES, "--licence", "", "--source", ""], "--licence TEXT and --source TEXT"),
    (["--classes", CLASSES, "--preset", "caffe"], "--preset: 'caffe' is none of imagenet"),
    (["--classes", CLASSES, "--size", "64"], "--size: its input takes pictures of 32x32 only"),
    (["--classes", CLASSES, "--size", "big"], "--size: 'big' is no size"),
    (["--classes", CLASSES, "--mean", "0,0"], "--mean: '0,0' are not three numbers"),
    (["--classes", CLASSES, "--mean", "0,0,0"], "--mean and --std belong together"),
    (["--classes", CLASSES, "--std", "0,1,1"], "--std: '0,1,1'"),
    (["--classes", CLASSES, "--resize", "fit"], "--resize: 'fit' is none of squash"),
    (["--classes", CLASSES, "--check", "nowhere"], "--check nowhere: No such file"),
    (["--classes", CLASSES, "--out", "a.txt"], "must end in .onnx"),
    (["--classes", CLASSES, "--calibrate", "requirements"], "--calibrate requirements: holds no"),
]


@pytest.mark.parametrize(("options", "why"), WRONG_OPTIONS)
def test_a_wrong_option_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    path = network(tmp_path / "a.onnx")
    told = ["--licence", "MIT", "--source", "here", "--out", str(tmp_path / "out" / "b.onnx")]
    assert run_command(["adopt", str(path), *told, *options]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert why in said
    assert not (tmp_path / "out").exists()


def test_what_this_command_did_not_write_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = network(tmp_path / "a.onnx")
    told = ["--classes", CLASSES, "--licence", "MIT", "--source", "here"]
    mine = write_tiny_model(tmp_path / "mine.onnx")
    before = mine.read_bytes()
    assert run_command(["adopt", str(path), *told, "--out", str(mine)]) == 2
    assert run_command(["adopt", str(path), *told, "--out", str(path)]) == 2
    assert "is there, and no adopted model" in capsys.readouterr().err
    assert mine.read_bytes() == before
    again = ["adopt", str(path), *told, "--out", str(tmp_path / "new.onnx")]
    assert run_command(again) == 0
    assert run_command(again) == 0


def test_pictures_of_no_class_calibrate_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = network(tmp_path / "a.onnx")
    folder = save_pictures(tmp_path / "data", ("apples", "pears"), 1)
    told = ["--classes", CLASSES, "--licence", "MIT", "--source", "here"]
    assert run_command(["adopt", str(path), *told, "--calibrate", str(folder)]) == 2
    assert "lies in no folder that is named as a class" in capsys.readouterr().err


def test_a_graph_that_answers_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from adoption import check
    from adoption.preprocessing import PRESETS

    right = check.prepared
    monkeypatch.setattr(check, "prepared", lambda p, w, s: right(p, PRESETS["keras-tf"], s))
    path, out = network(tmp_path / "a.onnx"), tmp_path / "b.onnx"
    told = ["--classes", CLASSES, "--licence", "MIT", "--source", "here", "--out", str(out)]
    assert run_command(["adopt", str(path), *told]) == 2
    assert (
        "pictures are shown or answered otherwise than by the original" in capsys.readouterr().err
    )
    assert not out.exists()


@pytest.mark.parametrize("command", ["run", "classify", "check", "profile"])
def test_a_foreign_model_says_what_is_different_and_what_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = network(tmp_path / "a.onnx", batch=1, size=224)
    arguments: list[Any] = [command, *([tmp_path] if command == "classify" else [])]
    assert run_command([*map(str, arguments), "--model", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is tensor(float) [1, 3, 224, 224], expected uint8 [batch, height, width, 3]" in said
    assert f"run_line.py adopt {path}" in said


def test_an_odd_operator_is_odd_in_the_line_too(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx", metadata=False)
    changed(path, operator("SortScrap", "com.acme"))
    assert run_command(["adopt", str(path), "--classes", CLASSES]) == 2
    assert not np.any([p.name == "models" for p in tmp_path.iterdir()])


def test_a_convention_that_cannot_be_read_names_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(tmp_path / "config.json", {"id2label": {"0": "a", "7": "b"}})
    assert run_command(["adopt", str(network(tmp_path / "a.onnx"))]) == 2
    assert "config.json: is not as its convention has it" in capsys.readouterr().err
