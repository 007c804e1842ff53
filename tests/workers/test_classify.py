from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from line.errors import BadInput
from tests.odd_models import changed, fails_below, only_of, wrong_answer
from tests.running_line import called
from tests.tiny_model import CLASSES, tiny_energies, tiny_probabilities, write_tiny_model
from workers.classify import Answer, Unanswered, classify, picture_files
from workers.model import Model

MAX_PIXELS = 1_000_000.0


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    path = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny.onnx")
    return Model.load(path, "onnxruntime")


def save(path: Path, colour: tuple[int, int, int] = (200, 40, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 9), colour).save(path)
    return path


def answers(model: Model, *files: Path, threshold: float = 0.5) -> list[Answer]:
    found = list(classify(model, files, threshold, MAX_PIXELS))
    assert all(isinstance(answer, Answer) for answer in found), found
    return found


def test_files_come_in_the_order_they_are_named(tmp_path):
    files = [save(tmp_path / name) for name in ("b.png", "a.png")]

    assert picture_files(files) == files


def test_a_folder_stands_for_all_pictures_below_it_sorted(tmp_path):
    wanted = [save(tmp_path / name) for name in ("a.png", "b/c.JPG", "b/d/e.bmp")]
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()

    assert picture_files([tmp_path]) == wanted


def test_a_file_named_by_the_user_is_taken_whatever_its_suffix(tmp_path):
    odd = tmp_path / "picture.dat"
    odd.write_bytes(b"")

    assert picture_files([odd]) == [odd]


def test_a_path_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.jpg: no such file or folder"):
        picture_files([save(tmp_path / "a.png"), tmp_path / "gone.jpg"])


def test_a_folder_without_pictures_is_bad_input(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")

    with pytest.raises(BadInput, match="holds no pictures"):
        picture_files([tmp_path])


def test_an_answer_ranks_all_classes_best_first(model, tmp_path):
    path = save(tmp_path / "a.png")
    expected = tiny_probabilities(np.full((1, 9, 12, 3), (200, 40, 90), np.uint8))[0]

    (answer,) = answers(model, path)

    assert answer.path == path
    assert dict(answer.ranking) == pytest.approx(
        dict(zip(CLASSES, expected.tolist(), strict=True)), abs=1e-5
    )
    probabilities = [probability for _, probability in answer.ranking]
    assert probabilities == sorted(probabilities, reverse=True)
    assert answer.latency_ms > 0


def test_an_answer_under_the_threshold_is_of_low_confidence(model, tmp_path):
    path = save(tmp_path / "a.png")
    confidence = answers(model, path)[0].ranking[0][1]

    assert not answers(model, path, threshold=confidence)[0].low_confidence
    assert answers(model, path, threshold=confidence + 1e-6)[0].low_confidence


def test_the_folder_tells_the_true_class_if_the_model_knows_it(model, tmp_path):
    known, unknown = save(tmp_path / "glass" / "a.png"), save(tmp_path / "gravel" / "a.png")

    assert [answer.true_class for answer in answers(model, known, unknown)] == ["glass", None]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(model, tmp_path):
    first, last = save(tmp_path / "a.png"), save(tmp_path / "c.png")
    torn = tmp_path / "b.png"
    torn.write_bytes(first.read_bytes()[:50])
    gone = tmp_path / "gone.png"

    found = list(classify(model, [first, torn, gone, last], 0.5, MAX_PIXELS))

    assert [type(result) for result in found] == [Answer, Unanswered, Unanswered, Answer]
    assert [result.path for result in found] == [first, torn, gone, last]
    for result in found[1:3]:
        assert isinstance(result, Unanswered)
        assert str(result.path) in result.reason


def test_a_picture_over_the_limit_is_not_read(model, tmp_path):
    (result,) = classify(model, [save(tmp_path / "a.png")], 0.5, max_pixels=50)

    assert isinstance(result, Unanswered)
    assert "megapixels" in result.reason


def test_a_picture_on_which_the_model_fails_does_not_stop_the_others(tmp_path):
    odd = Model.load(
        changed(tmp_path / "odd.onnx", fails_below(9), wrong_answer(np.nan)), "onnxruntime"
    )
    first, last = save(tmp_path / "a.png"), save(tmp_path / "d.png")
    white = save(tmp_path / "b.png", (255, 255, 255))
    flat = tmp_path / "c.png"
    Image.new("RGB", (12, 8)).save(flat)

    found = list(classify(odd, [first, white, flat, last], 0.5, MAX_PIXELS))

    assert [type(result) for result in found] == [Answer, Unanswered, Unanswered, Answer]
    assert found[1].reason == f"{white}: the model gives nan for 'cardboard'"
    assert found[2].reason.startswith(f"{flat}: the model fails: Gather rows: indices")


def test_the_command_answers_the_others_and_ends_with_status_2(tmp_path):
    model = changed(tmp_path / "odd.onnx", only_of(9, 12))
    fit = save(tmp_path / "fit.png")
    other = tmp_path / "other.png"
    Image.new("RGB", (30, 20)).save(other)
    ran = called("classify", fit, other, "--model", model, "--json")
    assert ran.returncode == 2
    right, wrong = json.loads(ran.stdout)
    assert right["path"] == str(fit)
    assert len(right["top"]) == 3
    reason = f"{other}: the model takes pictures of 12x9 only, not 30x20"
    assert wrong == {"path": str(other), "error": reason}
    assert ran.stderr.splitlines() == [reason, "error: 1 of the files have no answer"]


def test_what_is_stranger_than_the_limit_is_of_low_confidence_too(tmp_path):
    strange = Model.load(write_tiny_model(tmp_path / "a.onnx", limit=-1.5), "onnxruntime")
    path = save(tmp_path / "a.png")
    batch = np.full((1, 9, 12, 3), (200, 40, 90), np.uint8)

    for limit, unlike in ((-100.0, True), (100.0, False)):
        (answer,) = classify(strange, [path], 0.0, MAX_PIXELS, novelty_energy=limit)
        assert (answer.unlike, answer.low_confidence) == (unlike, unlike)
        assert answer.energy == pytest.approx(float(tiny_energies(batch)[0]), abs=1e-3)
