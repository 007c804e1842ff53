"""The process that classifies single pictures for the console: what it answers, and how it dies."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from console.classify_page.classify_client import ClassifyClient, _end_in_words
from line.config import load
from line.errors import BadInput, DecodeError
from line.observe.classify_protocol import (
    MAX_HEADER_BYTES,
    TOO_LARGE,
    ModelQuestion,
    decode_answer,
    receive_message,
    send_message,
)
from tests.odd_models import batches_of, changed, only_of, script, the_other_way_round, wrong_answer
from tests.running_line import ROOT, TIMEOUT_S, called, is_alive, poll
from tests.tiny_model import tiny_probabilities, write_tiny_model
from workers.classify_server import Respondent


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch takes its time to load where the machine is busy."""
    monkeypatch.setattr("console.classify_page.classify_client._PATIENCE_S", TIMEOUT_S)


@pytest.fixture(scope="module")
def classifier() -> Iterator[ClassifyClient]:
    with ClassifyClient(
        load(assignments=["source.max_megapixels=1", "source.max_file_mb=2"])
    ) as asking:
        yield asking


def jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def write_corner_model(path: Path) -> Path:
    """A model that answers by the upper left quarter of a picture alone: light is glass."""
    names = ("glass", "metal")
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "three"], ["sides"]),
        helper.make_node("Div", ["sides", "two"], ["halves"]),
        helper.make_node("Slice", ["levels", "origin", "halves", "axes"], ["corner"]),
        helper.make_node("ReduceMean", ["corner"], ["level"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["level", "grey"], ["lightness"]),
        helper.make_node("Div", ["lightness", "spread"], ["evidence"]),
        helper.make_node("Unsqueeze", ["evidence", "last"], ["column"]),
        helper.make_node("Mul", ["column", "signs"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = {
        "one": np.int64([1]),
        "two": np.int64([2]),
        "three": np.int64([3]),
        "origin": np.int64([0, 0]),
        "axes": np.int64([1, 2]),
        "grey": np.float32(128),
        "spread": np.float32(40),
        "last": np.int64([1]),
        "signs": np.float32([[1, -1]]),
    }
    graph = helper.make_graph(
        nodes,
        "corner",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    entries = {"scrapline.classes": json.dumps(names), "scrapline.size": "[40, 80]"}
    helper.set_model_props(model, entries)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corner_model(tmp_path_factory.mktemp("model") / "corner.onnx")


# -- answers -------------------------------------------------------------------------------------


def test_it_answers_as_the_runner_does(classifier, tiny_model, tmp_path):
    rng = np.random.default_rng(1)
    content = jpeg(rng.integers(0, 256, (48, 64, 3), np.uint8))
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    done = called("classify", path, "--json", "--top=6", "--model", tiny_model)
    (expected,) = json.loads(done.stdout)

    answer, preview, heat = classifier.ask_picture(tiny_model, "a.jpg", content)

    assert [(name, round(p, 5)) for name, p in answer.ranking] == [
        (one["class"], one["probability"]) for one in expected["top"]
    ]
    assert answer.threshold == 0.5
    assert (answer.width_px, answer.height_px) == (64, 48)
    assert Image.open(io.BytesIO(preview)).size == (64, 48)
    assert (answer.saliency, heat) == (None, b"")


def test_it_says_what_the_model_says_of_itself(classifier, tiny_model, corner):
    tiny, other = classifier.ask_model(tiny_model), classifier.ask_model(corner)

    assert (tiny.threshold, tiny.size_px) == (0.5, (224, 224))
    assert (other.classes, other.threshold) == (("glass", "metal"), None)


def test_flips_are_averaged(classifier, corner):
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:10, :20] = 255  # light in the corner that counts, in one of the four flips
    plain, _, _ = classifier.ask_picture(corner, "a", png(picture))
    averaged, _, _ = classifier.ask_picture(corner, "a", png(picture), flips=True)

    assert dict(plain.ranking)["glass"] > 0.99
    assert dict(averaged.ranking)["glass"] == pytest.approx(0.25, abs=0.01)


def test_a_letterboxed_picture_is_padded_to_the_models_shape(classifier, corner):
    tall = np.full((80, 20, 3), 255, np.uint8)
    _, preview, _ = classifier.ask_picture(corner, "a", png(tall), letterbox=True)
    shown = np.asarray(Image.open(io.BytesIO(preview)))

    assert shown.shape == (448, 896, 3)
    assert abs(int(shown[200, 100].mean()) - 128) < 3, "grey beside it"
    assert shown[200, 448].mean() > 250, "the picture in the middle"
    assert np.flatnonzero(shown[224].mean(axis=1) > 200).size == pytest.approx(448 / 4, abs=3)


def test_a_model_without_a_size_has_nothing_to_pad_to(classifier, tmp_path):
    path = write_tiny_model(tmp_path / "bare.onnx", metadata=False)
    path.with_suffix(".class_index.json").write_text(
        json.dumps({str(n): f"class {n}" for n in range(6)})
    )
    picture = np.zeros((4, 4, 3), np.uint8)

    assert classifier.ask_picture(path, "a", png(picture))[0].threshold is None
    with pytest.raises(BadInput, match=r"bare\.onnx names no size"):
        classifier.ask_picture(path, "a", png(picture), letterbox=True)


def test_saliency_shows_where_the_answer_comes_from(classifier, corner):
    picture = np.full((60, 120, 3), 200, np.uint8)
    answer, _, heat = classifier.ask_picture(corner, "a", png(picture), saliency=True)
    shown = np.asarray(Image.open(io.BytesIO(heat)))
    weight = shown[..., 3].astype(float)
    height, width = weight.shape

    assert answer.saliency.greatest_drop > 0.01
    assert (width, height) == (320, 160), "of the picture's shape"
    inside = weight[: height // 2, : width // 2].sum()
    assert inside > 0.8 * weight.sum()
    assert weight[height // 4, width // 4] > 150
    assert weight[3 * height // 4, 3 * width // 4] == 0


def test_a_picture_of_one_pixel_gets_an_answer_however_it_is_asked_about(classifier, tiny_model):
    content = png(np.full((1, 1, 3), 90, np.uint8))
    answer, _, heat = classifier.ask_picture(
        tiny_model, "a", content, flips=True, letterbox=True, saliency=True
    )

    assert answer.ranking
    assert heat


# -- models that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"flips": True}, {"saliency": True}])
def test_a_picture_that_the_model_fails_on_is_told_why(classifier, tmp_path, options):
    path = changed(tmp_path / "odd.onnx", wrong_answer(np.nan))
    white = np.full((60, 60, 3), 255, np.uint8)
    with pytest.raises(BadInput, match=r"^a\.png: the model gives nan for 'cardboard'$"):
        classifier.ask_picture(path, "a.png", png(white), **options)
    before = classifier.pid
    answer, _, _ = classifier.ask_picture(path, "b.png", png(white // 2), **options)

    assert answer.ranking
    assert classifier.pid == before


def test_an_answer_stands_where_saliency_alone_fails(classifier, tmp_path):
    """A white place becomes grey when it is covered."""
    path = changed(tmp_path / "odd.onnx", wrong_answer(np.nan, 250), the_other_way_round())
    answer, shown, heat = classifier.ask_picture(
        path, "a.png", png(np.full((60, 60, 3), 255, np.uint8)), saliency=True
    )

    assert answer.ranking
    assert answer.saliency is None
    assert answer.saliency_fault == "the model gives nan for 'cardboard'"
    assert (len(shown) > 0, heat) == (True, b"")


def test_models_of_one_size_or_of_single_pictures_are_asked_as_they_want_it(classifier, tmp_path):
    path = changed(tmp_path / "odd.onnx", only_of(60, 60), batches_of(1))
    fit, other = (np.full((60, side, 3), 90, np.uint8) for side in (60, 50))
    answer, _, heat = classifier.ask_picture(path, "a.png", png(fit), flips=True, saliency=True)

    assert answer.saliency is not None
    assert heat
    with pytest.raises(BadInput, match=r"^b\.png: the model takes pictures of 60x60 only"):
        classifier.ask_picture(path, "b.png", png(other))


def test_a_model_that_asks_for_far_too_much_memory_is_told_so(classifier, tiny_model, tmp_path):
    path = tmp_path / "greedy.ts"
    path.write_bytes(script("return torch.softmax(torch.zeros([10000000000]).sum() * image, 1)"))
    with pytest.raises(BadInput, match=r"greedy\.ts: fails: there is not enough memory"):
        classifier.ask_model(path)
    assert classifier.ask_model(tiny_model).classes


def test_a_model_that_takes_too_much_memory_ends_the_process_and_nobody_else(
    tiny_model, tmp_path, monkeypatch
):
    """It takes its memory in small pieces, each of which is granted."""
    path = tmp_path / "greedy.ts"
    body = (
        "kept = [image.float()]",
        "for _ in range(1000):",
        "    kept.append(torch.ones([1000000]))",
        "return torch.softmax(kept[0].mean(dim=[1, 2]) * torch.stack(kept[1:]).sum(), 1)",
    )
    path.write_bytes(script("\n    ".join(body)))
    monkeypatch.setattr("console.classify_page.classify_client._MOST_MEMORY", 800_000_000)
    with ClassifyClient(load()) as classifier:
        classifier.ask_model(tiny_model)
        why = "there is not enough memory|needed more than 0.8 GB of memory and was ended"
        with pytest.raises(BadInput, match=rf"greedy\.ts: .*({why})"):
            classifier.ask_model(path)
        assert classifier.ask_model(tiny_model).classes


def test_a_process_ends_itself_before_it_takes_more_memory_than_it_may():
    script = (
        "from line.process.memory import bounded\n"
        "with bounded(200_000_000, 71):\n"
        "    kept = []\n"
        "    while True: kept.append(b'x' * 1_000_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=TIMEOUT_S, check=False)
    assert done.returncode == TOO_LARGE == 71
    assert "needed more than 2 GB of memory" in _end_in_words(TOO_LARGE)


# -- wrong input ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg onload=alert(1)>", b"%PDF-1.7"])
def test_what_is_no_picture_is_said_to_be_none(classifier, tiny_model, content):
    with pytest.raises(BadInput, match=r"^<b>x\.jpg: not a picture$"):
        classifier.ask_picture(tiny_model, "<b>x.jpg", content)


def test_a_picture_cut_short_is_refused(classifier, tiny_model):
    whole = jpeg(np.random.default_rng(2).integers(0, 256, (60, 60, 3), np.uint8))
    with pytest.raises(BadInput, match=r"^a\.jpg: cannot be read"):
        classifier.ask_picture(tiny_model, "a.jpg", whole[: len(whole) // 2])


def test_a_hundred_megapixels_are_refused_by_their_header(classifier, tiny_model):
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    with pytest.raises(BadInput, match=r"100 megapixels, more than source\.max_megapixels = 1"):
        classifier.ask_picture(tiny_model, "big.png", buffer.getvalue())


def test_a_file_that_is_no_model_is_refused_and_the_next_one_loaded(
    classifier, tiny_model, tmp_path
):
    path = tmp_path / "junk.onnx"
    path.write_bytes(b"\xff" * 50)
    with pytest.raises(BadInput, match=r"junk\.onnx: not a model"):
        classifier.ask_model(path)
    with pytest.raises(BadInput, match=r"gone\.onnx: No such file"):
        classifier.ask_model(tmp_path / "gone.onnx")

    assert classifier.ask_model(tiny_model).classes


def test_a_torchscript_model_without_torch_says_so(tmp_path):
    path = tmp_path / "model.ts"
    path.write_bytes(bytes(range(256)))
    hidden = tmp_path / "site" / "torch"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('hidden')")
    question = ModelQuestion(model=str(path), engine="onnxruntime").model_dump_json()
    answer = _said(question, {**os.environ, "PYTHONPATH": str(hidden.parent)})

    assert "a TorchScript model needs torch, which is not installed" in answer.reason


def test_a_model_that_is_replaced_is_loaded_anew(classifier, tmp_path):
    path = write_tiny_model(tmp_path / "tiny.onnx", ("a", "b"))
    assert classifier.ask_model(path).classes == ("a", "b")
    write_tiny_model(path, ("a", "b", "c"))

    assert classifier.ask_model(path).classes == ("a", "b", "c")


# -- the process ---------------------------------------------------------------------------------


def test_one_that_was_killed_is_replaced(classifier, tiny_model):
    classifier.ask_model(tiny_model)
    old = classifier.pid
    os.kill(old, signal.SIGKILL)
    os.waitid(os.P_PID, old, os.WEXITED | os.WNOWAIT)  # all its threads have ended
    picture = np.full((8, 8, 3), (250, 10, 10), np.uint8)
    answer, _, _ = classifier.ask_picture(tiny_model, "a.png", png(picture))

    assert classifier.pid != old
    assert answer.ranking[0][1] == pytest.approx(tiny_probabilities(picture[None]).max(), abs=1e-5)


def test_a_picture_that_kills_it_costs_that_answer_alone(tmp_path, tiny_model):
    laborious = write_tiny_model(tmp_path / "laborious.onnx", work=12)
    content = png(np.zeros((8, 8, 3), np.uint8))
    complaints = []

    def ask() -> None:
        try:
            while True:  # each takes long: one of them is under way when the process is killed
                classifier.ask_picture(laborious, "a.png", content, saliency=True)
        except BadInput as error:
            complaints.append(str(error))

    with ClassifyClient(load()) as classifier:
        classifier.ask_model(laborious)
        before = _cpu_ticks(classifier.pid)
        asking = threading.Thread(target=ask)
        asking.start()
        poll(lambda: _cpu_ticks(classifier.pid) > before + 30, "work")
        os.kill(classifier.pid, signal.SIGKILL)
        asking.join(60)

        assert complaints == [
            "a.png: the classifier died over it (SIGKILL); the next question starts it anew"
        ]
        assert classifier.ask_picture(tiny_model, "a.png", content)[0].ranking


def test_one_that_hangs_is_ended_and_replaced(tiny_model, monkeypatch):
    with ClassifyClient(load()) as classifier:
        classifier.ask_model(tiny_model)
        os.kill(classifier.pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr("console.classify_page.classify_client._PATIENCE_S", 0.5)
            with pytest.raises(BadInput, match=r"^tiny\.onnx: no answer within 0\.5 s"):
                classifier.ask_model(tiny_model)

        assert classifier.ask_model(tiny_model).classes


def test_it_ends_with_the_console_that_started_it(tmp_path, tiny_model):
    with ClassifyClient(load()) as classifier:
        classifier.ask_model(tiny_model)
        pid = classifier.pid
        assert is_alive(pid)
    assert not is_alive(pid)
    with pytest.raises(BadInput, match="being closed"):
        classifier.ask_model(tiny_model)


def test_it_ends_with_a_console_that_is_killed(tiny_model):
    script = (
        "import sys; from pathlib import Path; from line.config import load;"
        "from console.classify_page.classify_client import ClassifyClient, _end_in_words;"
        "asking = ClassifyClient(load());"
        f"asking.ask_model(Path({str(tiny_model)!r}));"
        "print(asking.pid, flush=True); sys.stdin.read()"
    )
    console = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        pid = int(console.stdout.readline())
        assert is_alive(pid)
    finally:
        console.kill()
        console.communicate()
    poll(lambda: not is_alive(pid), "its end")


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        b"\xff\xff\xff\xff" + bytes(8),
        b"\0\0\0\2" + b"\xff" * 8 + b"{}",
        b"\0\0\0\5" + bytes(8) + b"{}",
    ],
)
def test_lengths_are_checked_before_anything_is_read_by_them(stream):
    with pytest.raises(DecodeError, match=r"cut off|too long"):
        receive_message(io.BytesIO(stream), 1000)


@pytest.mark.parametrize("question", [b"{}", b"nonsense", b'{"kind": "picture"}', b"[1]", b"\xff"])
def test_a_question_that_makes_no_sense_is_refused(question):
    answer, _ = Respondent().respond(question, b"")

    assert "not a question about a picture" in answer.reason


def test_a_parcel_comes_back_as_it_was_sent():
    stream = io.BytesIO()
    send_message(stream, '{"ä": 1}', b"content")
    stream.seek(0)

    assert receive_message(stream, 7) == ('{"ä": 1}'.encode(), b"content")
    assert receive_message(stream, 7) is None
    assert len('{"ä": 1}') < MAX_HEADER_BYTES


def _said(question: str, environment: dict[str, str]):
    """What a process of its own answers to one question."""
    asked = io.BytesIO()
    send_message(asked, question)
    done = subprocess.run(
        [sys.executable, "-m", "workers.classify_server", "1000", str(10**9), str(os.getpid())],
        cwd=ROOT,
        input=asked.getvalue(),
        stdout=subprocess.PIPE,
        env=environment,
        timeout=TIMEOUT_S,
        check=True,
    )
    header, _ = receive_message(io.BytesIO(done.stdout), 0)
    return decode_answer(header)


def _cpu_ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return int(user) + int(system)


def test_it_ends_with_whoever_started_it_also_while_its_questions_go_on() -> None:
    starter = (
        "import os, subprocess, sys; print(subprocess.Popen([sys.executable, '-m', "
        "'workers.classify_server', '1000', '1000000000', str(os.getpid())],"
        "stdout=sys.stderr).pid)"
    )
    reads, writes = os.pipe()
    try:
        started = subprocess.run(
            [sys.executable, "-c", starter], cwd=ROOT, stdin=reads, capture_output=True, check=True
        )
        poll(lambda: not is_alive(int(started.stdout)), "its end")
    finally:
        os.close(reads)
        os.close(writes)
