from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep

import numpy as np
import onnx
import pytest
from onnx import helper

from line.errors import BadInput, ModelError
from line.pictures import Picture
from tests.tiny_model import CLASSES, tiny_energies, tiny_probabilities, write_tiny_model
from tests.workers.test_engine import scripted_model
from workers.engine import Answers, Engine, Takes
from workers.model import Model
from workers.model_file import find
from workers.worker import batch_of, warmed_up


def load(path: Path) -> Model:
    return Model.load(path, "onnxruntime")


def rewrite(path: Path, change: object) -> None:
    """Apply `change` to the ONNX model in the file."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def tiny(tmp_path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx")


# -- loading -------------------------------------------------------------------------------------


def test_a_model_knows_its_path_its_hash_and_its_classes(tiny):
    facts = load(tiny).facts

    assert facts.path == str(tiny.resolve())
    assert facts.sha256 == hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert facts.short_hash == facts.sha256[:12]
    assert facts.classes == CLASSES


def test_a_loaded_model_answers(tiny):
    picture = np.full((1, 8, 8, 3), (250, 30, 90), np.uint8)

    assert np.allclose(
        load(tiny).engine.classify(picture).probabilities, tiny_probabilities(picture), atol=1e-5
    )


def test_class_names_need_not_be_ascii(tmp_path):
    path = write_tiny_model(tmp_path / "a.onnx", ("Glas", "Büchsenblech", "纸"))

    assert load(path).facts.classes == ("Glas", "Büchsenblech", "纸")


def test_a_model_with_the_hash_asked_for_is_loaded(tiny):
    sha256 = hashlib.sha256(tiny.read_bytes()).hexdigest()

    assert Model.load(tiny, "onnxruntime", sha256).facts.sha256 == sha256


def test_a_model_that_was_replaced_during_the_run_is_refused(tmp_path, tiny):
    before = hashlib.sha256(tiny.read_bytes()).hexdigest()
    write_tiny_model(tiny, ("glass", "paper"))

    with pytest.raises(BadInput, match=r"tiny\.onnx: changed since the run began"):
        Model.load(tiny, "onnxruntime", before)


def test_without_metadata_the_index_beside_the_file_names_the_classes(tmp_path):
    path = write_tiny_model(tmp_path / "old.onnx", ("a", "b", "c"), metadata=False)
    index = {"2": "paper", "0": "glass", "1": "metal"}
    (tmp_path / "old.class_index.json").write_text(json.dumps(index))

    assert load(path).facts.classes == ("glass", "metal", "paper")


def test_names_inside_the_file_count_more_than_an_index_beside_it(tmp_path, tiny):
    (tmp_path / "tiny.class_index.json").write_text('{"0": "something else"}')

    assert load(tiny).facts.classes == CLASSES


def test_a_model_that_names_no_classes_is_refused_with_the_name_of_the_missing_index(tmp_path):
    path = write_tiny_model(tmp_path / "old.onnx", metadata=False)

    with pytest.raises(BadInput, match=r"old\.onnx: names no classes.*no old\.class_index\.json"):
        load(path)


@pytest.mark.parametrize(
    "content",
    ["", "not JSON", '["glass", "paper"]', '{"0": "glass", "2": "paper"}', "7", '"\udcff"'],
)
def test_an_index_that_is_no_table_of_numbers_and_names_is_refused(tmp_path, content):
    path = write_tiny_model(tmp_path / "old.onnx", ("a", "b"), metadata=False)
    index = tmp_path / "old.class_index.json"
    index.write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(BadInput, match=r"old\.class_index\.json is not an object of number"):
        load(path)


@pytest.mark.parametrize("classes", ["not JSON", '"glass"', "7", '{"0": "glass"}', "null", "[]"])
def test_class_names_inside_the_file_that_are_no_list_are_refused(tiny, classes):
    rewrite(tiny, lambda model: helper.set_model_props(model, {"scrapline.classes": classes}))

    with pytest.raises(BadInput, match=r"tiny\.onnx: .*classes"):
        load(tiny)


@pytest.mark.parametrize("classes", [["glass"], [*CLASSES, "one more"]])
def test_as_many_names_as_probabilities_are_needed(tiny, classes):
    props = {"scrapline.classes": json.dumps(classes)}
    rewrite(tiny, lambda model: helper.set_model_props(model, props))

    with pytest.raises(
        BadInput, match=rf"tiny\.onnx: gives 6 probabilities for {len(classes)} class names"
    ):
        load(tiny)


def test_a_class_name_that_the_top3_column_cannot_hold_is_refused(tmp_path):
    path = write_tiny_model(tmp_path / "a.onnx", ("glass|clear", "paper"))

    with pytest.raises(BadInput, match=r"a\.onnx: .*glass\|clear"):
        load(path)


def test_a_model_that_gives_scores_instead_of_probabilities_is_refused(tiny):
    def leave_out_the_softmax(model: onnx.ModelProto) -> None:
        softmax = model.graph.node[-1]
        softmax.op_type = "Identity"
        del softmax.attribute[:]

    rewrite(tiny, leave_out_the_softmax)

    with pytest.raises(BadInput, match=r"tiny\.onnx: .*probabilities"):
        load(tiny)


@pytest.mark.parametrize("name", ["a.onnx", "a.ts"])
@pytest.mark.parametrize("content", [b"", b"garbage"])
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_damaged_file_is_refused_with_its_path(tmp_path, name, content):
    if name.endswith(".ts"):
        pytest.importorskip("torch")
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(BadInput, match="not a") as raised:
        load(path)

    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.onnx: No such file or directory"):
        load(tmp_path / "gone.onnx")


@pytest.mark.parametrize("suffix", [".ts", ".pt"])
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_torchscript_file_is_a_model_too(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(scripted_model({"scrapline.classes": '["red", "green", "blue"]'}))

    model = load(path)

    assert model.facts.classes == ("red", "green", "blue")
    assert model.engine.classify(np.zeros((1, 4, 4, 3), np.uint8)).probabilities.shape == (1, 3)


def test_warming_up_runs_every_batch_size_without_complaint(tiny):
    model = load(tiny)
    assert warmed_up(model, credit=6, height_px=24, width_px=32) is model


@dataclass(frozen=True)
class Slow:
    """An engine with a rest before each inference."""

    engine: Engine
    rest_s: float

    @property
    def metadata(self) -> dict[str, str]:
        return self.engine.metadata

    @property
    def takes(self) -> Takes:
        return self.engine.takes

    @property
    def gives_energy(self) -> bool:
        return self.engine.gives_energy

    def classify(self, batch: Picture) -> Answers:
        sleep(self.rest_s)
        return self.engine.classify(batch)


def test_a_slow_model_is_given_no_batches_that_take_long(tiny):
    model = load(tiny)
    slow = replace(model, engine=Slow(model.engine, 0.06))
    warm = warmed_up(slow, credit=16, height_px=24, width_px=32)
    assert batch_of(warm, 16) == 1


# -- finding -------------------------------------------------------------------------------------


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", ["a.onnx", "a.ts", "a.pt"])
def test_a_model_file_is_found_by_its_own_name(tmp_path, name):
    assert find(touch(tmp_path, name) / name) == tmp_path / name


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.onnx"], "a.onnx"),
        (["b.onnx", "a.ts"], "b.onnx"),
        (["b.onnx", "a.ts", "c.ts", "d.pt"], "b.onnx"),
        (["b.ts", "a.pt"], "b.ts"),
        (["a.pt", "notes.md"], "a.pt"),
    ],
)
def test_in_a_folder_the_preferred_kind_is_found(tmp_path, names, found):
    assert find(touch(tmp_path, *names)) == tmp_path / found


@pytest.mark.parametrize("suffix", [".onnx", ".ts", ".pt"])
def test_several_models_of_one_kind_are_a_question_to_the_user(tmp_path, suffix):
    touch(tmp_path, f"b{suffix}", f"a{suffix}")

    with pytest.raises(BadInput, match=rf"several models \(a\{suffix}, b\{suffix}\); name one"):
        find(tmp_path)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(BadInput, match=r"holds no model \(\.onnx, \.ts, \.pt\)") as raised:
        find(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_another_kind_of_file_is_no_model(tmp_path):
    with pytest.raises(BadInput, match=r"a\.txt: not a model file"):
        find(touch(tmp_path, "a.txt") / "a.txt")


def test_a_path_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(BadInput, match=r"gone: no such model file or folder"):
        find(tmp_path / "gone")


def test_threshold_comes_from_the_file(tiny):
    assert load(tiny).threshold == 0.5


@pytest.mark.parametrize("named", [None, "much", "1.5", "nan"])
def test_file_without_a_fit_threshold(tiny, named):
    def rename(model: onnx.ModelProto) -> None:
        kept = {p.key: p.value for p in model.metadata_props if p.key != "scrapline.threshold"}
        helper.set_model_props(
            model, kept if named is None else {**kept, "scrapline.threshold": named}
        )

    rewrite(tiny, rename)
    model = load(tiny)
    with pytest.raises(BadInput, match="threshold"):
        _ = model.threshold


def test_a_model_tells_its_energies_and_the_limit_of_them(tmp_path):
    model = load(write_tiny_model(tmp_path / "a.onnx", limit=-1.5))
    batch = np.random.default_rng(1).integers(0, 256, (3, 20, 20, 3), np.uint8)

    assert (model.facts.gives_energy, model.novelty_energy) == (True, -1.5)
    assert np.allclose(model.answers(batch).energies, tiny_energies(batch), atol=1e-4)

    bare = load(write_tiny_model(tmp_path / "b.onnx"))
    assert (bare.facts.gives_energy, bare.novelty_energy) == (False, None)
    assert bare.answers(batch).energies is None


@pytest.mark.parametrize("named", ["strange", "nan", "inf", ""])
def test_a_limit_in_the_file_that_is_no_number_is_one_line(tmp_path, named):
    path = write_tiny_model(tmp_path / "a.onnx", limit=-1.5)
    rewrite(path, lambda model: set_entry(model, "scrapline.novelty_energy", named))

    with pytest.raises(BadInput, match=r"a\.onnx: scrapline\.novelty_energy '.*' is no number$"):
        _ = load(path).novelty_energy


def set_entry(model, key, value):
    next(entry for entry in model.metadata_props if entry.key == key).value = value


@dataclass(frozen=True)
class Strange:
    """As `engine`, whose energies are these."""

    engine: Engine
    energies: list[float]
    gives_energy = True

    @property
    def metadata(self) -> dict[str, str]:
        return self.engine.metadata

    @property
    def takes(self) -> Takes:
        return self.engine.takes

    def classify(self, batch: Picture) -> Answers:
        return Answers(self.engine.classify(batch).probabilities, np.array(self.energies))


@pytest.mark.parametrize("energies", [[np.nan], [np.inf], [1.0, 2.0], [], [[1.0]]])
def test_energies_that_are_not_one_number_a_picture_are_the_models_error(tiny, energies):
    model = load(tiny)
    strange = replace(model, engine=Strange(model.engine, energies))
    picture = np.zeros((1, 8, 8, 3), np.uint8)

    assert model.answers(picture).energies is None
    with pytest.raises(ModelError, match=r"^gives energies that are not one number a picture$"):
        strange.answers(picture)
