"""From a file of labels to the thresholds that a run goes by, and what such files lack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from line.config import load
from line.errors import BadInput
from line.promise.found import with_promises
from line.promise.label_file import ScoredLabel, each_once, read_labels, write_labels
from line.settings import DecisionSettings, Settings
from tests.virtual_lines import rows_of, settings_of

MODEL, OTHER = "0" * 12, "ab" * 6
CLASSES = ("glass", "metal", "paper", "trash")


def label(number: int, true_class: str = "metal", *, model: str = MODEL) -> ScoredLabel:
    """The lower the number, the surer."""
    return ScoredLabel(model, "metal", 0.99 - number / 1000, true_class, f"run/0-{number}")


def promising(path: Path, promise: Mapping[str, float]) -> Settings:
    settings = load(environment={})
    return settings.replaced({"decision": {"promise": promise, "promise_labels": str(path)}})


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    labels = [label(1), label(2, "=glass"), ScoredLabel(OTHER, "a,b", 1.0, ".none-of-these", "ü\n")]
    write_labels(tmp_path / "labels.csv", labels)
    again = read_labels(tmp_path / "labels.csv")
    assert again[:2] == labels[:2]
    assert (again[2].predicted_class, again[2].is_right) == ("a,b", False)


def test_the_last_label_of_an_item_counts(tmp_path: Path) -> None:
    found = each_once([label(1, "glass"), label(2), label(1, model=OTHER), label(1)])
    assert found == [label(1), label(2), label(1, model=OTHER)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("frame_id,model\n", "is no file of labels"),
        ("", "is no file of labels"),
        ("{header}\nabc,metal,0.9,metal\n", "line 2: 4 cells instead of 5"),
        ("{header}\nabc,metal,0.9,metal,x\nabc,metal,1.5,metal,x\n", "line 3: confidence '1.5'"),
        ("{header}\nabc,metal,nan,metal,x\n", "line 2: confidence 'nan'"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text.format(header="model,predicted_class,confidence,true_class,source"))
    with pytest.raises(BadInput) as error:
        read_labels(path)
    assert str(error.value).startswith(f"{path}: {complaint}")


def test_a_promise_gets_its_threshold_from_the_labels_of_its_model_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    wrong = [label(number, "glass", model=OTHER) for number in range(100)]
    write_labels(path, [*wrong, *map(label, range(100))])
    settings = with_promises(promising(path, {"metal": 0.95}), MODEL, CLASSES)
    (found,) = settings.decision.promised
    assert (found.class_name, found.labels, found.reach, found.wrong) == ("metal", 100, 100, 0)
    assert settings.decision.thresholds_of(MODEL) == {"metal": pytest.approx(0.891, abs=1e-5)}
    assert settings.decision.thresholds_of(OTHER) == {}

    path.unlink()
    assert with_promises(settings, MODEL, CLASSES) == settings, "a run's own record is kept"
    with pytest.raises(BadInput, match=r"labels\.csv"):
        with_promises(settings, OTHER, CLASSES)


def test_a_model_in_another_engine_is_promised_by_labels_of_its_answers_there(
    tmp_path: Path,
) -> None:
    there = f"{MODEL}-openvino"
    labels = [label(number, model=there) for number in range(100)]
    write_labels(tmp_path / "labels.csv", [label(1, "glass"), *labels])
    found = with_promises(promising(tmp_path / "labels.csv", {"metal": 0.95}), there, CLASSES)
    (kept,) = found.decision.promised
    assert (kept.model, kept.labels) == (there, 100)
    assert Settings.model_validate_json(found.model_dump_json()) == found
    assert found.decision.thresholds_of(MODEL) == {}


@pytest.mark.parametrize(
    ("promise", "labels", "complaint"),
    [
        ({"metl": 0.9}, 100, "decision.promise.metl: is not a class of the model (glass, metal,"),
        (
            {"metal": 0.98},
            100,
            "decision.promise.metal: 0.98 needs 149 labelled items that the model took for it, "
            "none of them wrong; there are 100",
        ),
        ({"glass": 0.5}, 100, "decision.promise.glass: 0.5 needs 5 labelled items"),
        ({"metal": 0.99}, 0, "{path}: has no label of the model 000000000000"),
    ],
)
def test_a_promise_that_cannot_be_made_says_what_it_lacks(
    tmp_path: Path, promise: Mapping[str, float], labels: int, complaint: str
) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, map(label, range(labels)))
    with pytest.raises(BadInput) as error:
        with_promises(promising(path, promise), MODEL, CLASSES)
    assert str(error.value).startswith(complaint.format(path=path))


def test_labels_enough_of_which_too_many_are_wrong_say_so(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, [label(n, "glass" if n % 10 == 0 else "metal") for n in range(200)])
    with pytest.raises(
        BadInput,
        match=r"by 200 .*: 6 of the 59 surest are wrong; with 202 labels, 4 of them may be",
    ):
        with_promises(promising(path, {"metal": 0.95}), MODEL, CLASSES)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("decision.promise.metal=1", "decision.promise.metal: must be less than 1"),
        ("decision.promise.metal=0", "decision.promise.metal: must be greater than 0"),
        ("decision.promise.trash=0.9", "decision.promise.trash: the residue class has no bin"),
        ("decision.promise.metal=0.9", "decision.promise_labels: decision.promise needs a file"),
    ],
)
def test_settings_that_promise_nothing_possible_are_refused(
    assignment: str, complaint: str
) -> None:
    with pytest.raises(BadInput) as error:
        load(assignments=[assignment], environment={})
    assert complaint in str(error.value)


def test_nobody_sets_what_the_runner_finds(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, map(label, range(100)))
    found = with_promises(promising(path, {"metal": 0.95}), MODEL, CLASSES).decision.promised
    with pytest.raises(BadInput, match=r"decision\.promised: the runner finds it"):
        load(options=[("decision.promised", [each.model_dump() for each in found])], environment={})


def test_settings_of_an_earlier_version_promise_nothing() -> None:
    assert DecisionSettings.model_validate({"threshold": 0.5}).promise == {}


def test_the_line_in_virtual_time_keeps_to_the_thresholds_of_its_model(tmp_path: Path) -> None:
    """The made-up profile is sure of everything at 0.9, and its model has the hash 000…"""
    path = tmp_path / "labels.csv"
    write_labels(
        path, (ScoredLabel(MODEL, "metal", 0.95, "metal", str(number)) for number in range(99))
    )
    usual = settings_of(line__items=60)
    promised = with_promises(
        usual.replaced({"decision": {"promise": {"metal": 0.9}, "promise_labels": str(path)}}),
        MODEL,
        CLASSES,
    )
    assert not any(row.low_confidence for row in rows_of(usual))
    unsure = {row.predicted_class for row in rows_of(promised) if row.low_confidence}
    assert unsure == {"metal"}
