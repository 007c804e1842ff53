"""Files that are no model of the line: one line says what they are instead, or what would fit."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from line.config import ROOT
from line.errors import BadInput, ModelError
from line.model.facts import ModelFacts
from pictures.class_names import LONGEST_NAME, MOST_CLASSES
from tests.odd_models import (
    batches_of,
    changed,
    detector,
    entry,
    fails_below,
    only_of,
    operator,
    script,
    with_weights_beside,
    wrong_answer,
)
from tests.running_line import TIMEOUT_S
from tests.tiny_model import CLASSES, write_tiny_model
from tests.workers.test_engine import graph
from workers.model import Model
from workers.worker import batch_of, warmed_up

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


def refusal(path: Path, size: tuple[int, int] | None = None, *, is_set: bool = True) -> str:
    """What is said of the file, behind its path; one printable line of fair length."""
    with pytest.raises(BadInput) as raised:
        Model.load(path, "onnxruntime", size=size, is_set=is_set)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    said = text.removeprefix(f"{path}: ")
    assert len(said) <= 300
    assert not any(noise in said for noise in ("ONNXRuntimeError", "/onnxruntime_src", "miniz"))
    return said


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# -- other files ---------------------------------------------------------------------------------

_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"


@pytest.mark.parametrize("suffix", [".onnx", ".ts", ".pt"])
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it is empty"),
        (_POINTER, "pointer of Git LFS: run git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\xef\xbb\xbf<HTML>", "a web page"),
        (b"just some words\n", "text"),
        (b"\x1f\x8b" + bytes(40), "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a picture"),
        (b"\x00\x00\x00\x1cTFL3" + bytes(40), "a TensorFlow Lite model"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00" + b'{"weight": {}}', "weights alone"),
        (b"\x80\x02}q\x00.", "weights alone (a state dict)"),
        (b"PK\x03\x04" + bytes(40), "the archive is damaged or cut off"),
    ],
)
def test_what_is_given_in_the_place_of_a_model_is_named(
    tmp_path: Path, suffix: str, data: bytes, what: str
) -> None:
    assert what in refusal(written(tmp_path / f"model{suffix}", data))


@pytest.mark.parametrize("suffix", [".ts", ".pt"])
def test_weights_alone_are_no_torchscript(tmp_path: Path, suffix: str) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / f"model{suffix}"
    torch.save(torch.nn.Linear(3, 4).state_dict(), path)
    assert "weights alone (a state dict)" in refusal(path)
    assert "training export" in refusal(path)


def test_a_torchscript_file_with_the_other_name_is_told_so(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", script("return image"))
    assert "TorchScript: name it .ts" in refusal(path)


def test_a_zip_archive_is_no_model(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("notes.txt", "nothing")
    assert "a zip archive" in refusal(written(tmp_path / "a.onnx", content.getvalue()))
    assert "another zip archive" in refusal(written(tmp_path / "a.ts", content.getvalue()))


@pytest.mark.parametrize("name", ["archive/extra/scrapline.json", "archive/code/__torch__.py"])
def test_a_torchscript_file_that_unpacks_to_much_more_is_refused(tmp_path: Path, name: str) -> None:
    whole, content = zipfile.ZipFile(io.BytesIO(script("return image"))), io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in whole.namelist():
            if not part.endswith(name.partition("/")[2]):
                archive.writestr(part, whole.read(part))
        with archive.open(name, "w") as large:
            for _ in range(80):
                large.write(bytes(10**6))
    assert len(content.getvalue()) < 10**6
    assert "packed parts become" in refusal(written(tmp_path / "a.ts", content.getvalue()))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_model_that_was_cut_off_is_said_to_be_damaged(tmp_path: Path, share: float) -> None:
    data = write_tiny_model(tmp_path / "a.onnx").read_bytes()
    said = refusal(written(tmp_path / "a.onnx", data[: int(share * len(data))]))
    assert "damaged or cut off" in said


@pytest.mark.parametrize("name", ["model.onnx", "model.ts"])
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert "is not a regular file" in refusal(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    assert "is not a regular file" in refusal(tmp_path / name)


def test_a_pipe_as_class_index_is_not_waited_for(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "old.onnx", metadata=False)
    os.mkfifo(tmp_path / "old.class_index.json")
    assert "old.class_index.json" in refusal(path)


# -- what the runtime cannot load ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "field"),
    [("ONNX IR version 99", "ir_version"), ("opset 99", "opset")],
)
def test_a_file_that_is_too_new_names_its_version_and_the_newest(
    tmp_path: Path, what: str, field: str
) -> None:
    def change(model):
        if field == "opset":
            model.opset_import[0].version = 99
        else:
            model.ir_version = 99

    said = refusal(changed(tmp_path / "new.onnx", change))
    assert said.startswith(f"has {what}, and the newest that the installed ONNX Runtime takes is ")
    assert "install a newer onnxruntime" in said


def test_an_operator_of_somebody_else_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.onnx", operator("SortScrap", "com.acme"))
    assert refusal(path) == "uses the operator com.acme.SortScrap, which ONNX Runtime does not know"


def test_weights_in_a_second_file_are_refused_there_or_not(tmp_path: Path) -> None:
    path = with_weights_beside(tmp_path / "model.onnx")
    said = refusal(path)
    assert said.startswith("keeps weights in another file, w.bin: save it as one file; ")
    assert f"run_line.py adopt {path}" in said
    (tmp_path / "w.bin").write_bytes(bytes(10_000))
    assert "w.bin" in refusal(path)


def test_a_detector_is_refused_by_its_first_output(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "a.onnx", detector()))
    assert "output boxes, the first of 2, is tensor(float) ['n', 'h', 'w', 3]" in said


def test_colours_that_do_not_stand_last_are_refused(tmp_path: Path) -> None:
    image, answer = ("image", TensorProto.UINT8, ["n", 3, 224, 224]), ["n", 3]
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["levels"], ["p"], axes=[2, 3], keepdims=0),
    ]
    data = graph([image], [("p", TensorProto.FLOAT, answer)], nodes)
    said = refusal(written(tmp_path / "a.onnx", data))
    assert "['n', 3, 224, 224], expected uint8 [batch, height, width, 3], the colours last" in said
    assert f"run_line.py adopt {tmp_path / 'a.onnx'}" in said


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    words = ("p", TensorProto.STRING, ["n", "h", "w", 3])
    nodes = [helper.make_node("Cast", ["image"], ["p"], to=TensorProto.STRING)]
    data = graph([("image", TensorProto.UINT8, ["n", "h", "w", 3])], [words], nodes)
    said = refusal(written(tmp_path / "a.onnx", data))
    assert "is tensor(string)" in said
    assert "expected probabilities" in said


# -- sizes ---------------------------------------------------------------------------------------


def test_a_model_of_one_size_is_taken_where_the_pictures_have_it(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.onnx", only_of(224, 160))
    model = Model.load(path, "onnxruntime", size=(224, 160))
    assert model.classify(np.zeros((2, 224, 160, 3), np.uint8)).shape == (2, len(CLASSES))
    assert Model.load(path, "onnxruntime").takes == model.takes, "where no size is known, its own"


@pytest.mark.parametrize(
    ("takes", "size", "said"),
    [
        (
            (224, 224),
            (240, 320),
            "takes pictures of 224x224 only, not 320x240: "
            "set camera.width_px to 224 and camera.height_px to 224",
        ),
        (
            (None, 224),
            (240, 320),
            "takes pictures of 224 px width only, not 320x240: "
            "set camera.width_px to 224 and camera.height_px to 240",
        ),
        (
            (28, 28),
            (240, 320),
            "takes pictures of 28x28 only, not 320x240, which no camera of the line has",
        ),
    ],
)
def test_a_model_of_another_size_says_which_camera_would_fit(
    tmp_path: Path, takes: tuple[int | None, int], size: tuple[int, int], said: str
) -> None:
    path = changed(tmp_path / "a.onnx", only_of(*takes))
    assert refusal(path, size) == said
    assert refusal(path, size, is_set=False) == said.partition(":")[0].partition(", which")[0]


def test_a_size_that_the_file_does_not_tell_is_found_out(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.onnx", fails_below(100), entry("size", ""))
    assert (
        Model.load(path, "onnxruntime", size=(100, 32))
        .classify(np.zeros((1, 100, 32, 3), np.uint8))
        .size
    )
    assert Model.load(path, "onnxruntime").doubts == ()
    said = refusal(path, (64, 48))
    assert said.startswith("fails: Gather rows: indices element out of data bounds")
    assert said.endswith(
        "; it takes 224x224: set camera.width_px to 224 and camera.height_px to 224"
    )


def test_torchscript_of_one_size_says_which_camera_would_fit(tmp_path: Path) -> None:
    body = "return torch.softmax(image.float().reshape(-1, 128 * 128, 3).mean(1), 1)"
    path = written(tmp_path / "a.ts", script(body))
    assert Model.load(path, "onnxruntime", size=(128, 128)).facts.classes == ("a", "b", "c")
    said = refusal(path, (90, 70))
    assert said.startswith("fails: RuntimeError: shape '[-1, 16384, 3]' is invalid")
    assert said.endswith(
        "; it takes 128x128: set camera.width_px to 128 and camera.height_px to 128"
    )


@pytest.mark.parametrize("count", [1, None])
def test_a_model_of_single_pictures_works_without_batches(
    tmp_path: Path, count: int | None
) -> None:
    if count:
        path = changed(tmp_path / "a.onnx", batches_of(count))
        assert Model.open(path, "onnxruntime").takes.batch == 1, "the file says it"
    else:
        body = "return torch.softmax(image.float().reshape(1, -1, 3).mean(1), 1)"
        path = written(tmp_path / "a.ts", script(body))
    model = Model.load(path, "onnxruntime")
    assert batch_of(model, 16) == 1
    assert batch_of(warmed_up(Model.open(path, "onnxruntime"), 16, 24, 32), 16) == 1
    assert model.classify(np.zeros((1, 24, 32, 3), np.uint8)).shape[0] == 1


def test_a_model_of_larger_batches_alone_is_refused(tmp_path: Path) -> None:
    said = refusal(changed(tmp_path / "a.onnx", batches_of(8)))
    assert said == "takes batches of 8 pictures only, expected one or any number"


# -- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (np.nan, "gives nan for 'cardboard'"),
        (np.inf, "gives inf for 'cardboard'"),
        (-0.5, "gives scores instead of probabilities: -0.5 for 'cardboard'"),
        (0.5, "gives scores instead of probabilities: they sum to 3, not 1"),
    ],
)
def test_a_model_that_answers_some_pictures_alone_is_taken_and_doubted(
    tmp_path: Path, value: float, complaint: str
) -> None:
    model = Model.load(changed(tmp_path / "a.onnx", wrong_answer(value)), "onnxruntime")
    assert model.doubts == (f"{complaint}, on a white picture of 224x224",)
    with pytest.raises(ModelError) as raised:
        model.classify(np.full((1, 8, 8, 3), 255, np.uint8))
    assert str(raised.value) == complaint
    assert refusal(changed(tmp_path / "b.onnx", wrong_answer(value, -1))).startswith(complaint)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("return image.float().mean(dim=[1, 2])[:, :2]", "gives 2 probabilities for 3 class names"),
        ("return image.float().mean()", "gives shape [] for 1 pictures"),
        ("return image.float()", "gives shape [1, 64, 64, 3] for 1 pictures"),
        ("return 'glass'", "fails: "),
        ("return torch.cat([image.float().mean(dim=[1, 2])] * 2)", "gives shape [2, 3]"),
        ("raise ValueError('no \x1b[31m picture')", "fails: builtins.ValueError: no \\x1b[31m"),
    ],
)
def test_answers_of_another_kind_are_named(tmp_path: Path, body: str, complaint: str) -> None:
    assert refusal(written(tmp_path / "a.ts", script(body))).startswith(complaint)


# -- class names and entries ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a", "b", "a"], "class name 'a' stands twice"),
        (["a", "", "c"], "is empty"),
        (["a", " b", "c"], "begins or ends with a space"),
        (["a", "x" * (LONGEST_NAME + 1), "c"], "is longer than 100 characters"),
        (["a", "b\x1b[31m", "c"], "cannot be printed"),
        (["a", "b\nb", "c"], "cannot be printed"),
        (["a", "..", "c"], "cannot be the name of a folder"),
        (["a", "b/c", "c"], "cannot be the name of a folder"),
        (["a", "b|c", "c"], "contains |"),
        (["a", "=1+1", "c"], "begins with =, which a spreadsheet takes for a formula"),
        (["a", "@b", "c"], "begins with @"),
        ([str(number) for number in range(MOST_CLASSES + 1)], "more than 4096"),
    ],
)
def test_class_names_have_bounds(tmp_path: Path, names: list[str], fault: str) -> None:
    path = changed(tmp_path / "a.onnx", entry("classes", json.dumps(names)))
    assert fault in refusal(path)
    with pytest.raises(ValueError, match="class"):
        ModelFacts(path="a.onnx", sha256="0" * 64, classes=tuple(names))


@pytest.mark.parametrize("key", ["classes", "size", "threshold"])
def test_entries_that_are_nested_without_end_end_nobody(tmp_path: Path, key: str) -> None:
    path = changed(tmp_path / "a.onnx", entry(key, "[" * 200_000))
    if key == "classes":
        assert "not a JSON list" in refusal(path)
        return
    model = Model.load(path, "onnxruntime")
    assert model.size_px in (None, (224, 224))
    if key == "threshold":
        with pytest.raises(BadInput, match="is not 0 to 1") as raised:
            _ = model.threshold
        assert len(str(raised.value)) < 300


def test_an_entry_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.onnx", entry("provenance", "x" * (10**6 + 1)))
    assert refusal(path) == "scrapline.provenance is longer than 1000000 characters"


# -- the supervisor's own look ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sides", "fault"), [((224, 224), ""), ((240, 320), "only, not 320x240"), ((0, 0), "")]
)
def test_the_check_of_a_new_model_knows_the_cameras_size(
    tmp_path: Path, sides: tuple[int, int], fault: str
) -> None:
    path = changed(tmp_path / "a.onnx", only_of(224, 224))
    done = subprocess.run(
        [sys.executable, "-m", "workers.check", str(path), "onnxruntime", *map(str, sides)],
        cwd=ROOT,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    said = json.loads(done.stdout)
    assert (fault in said["error"]) if fault else ("error" not in said and said["classes"])
