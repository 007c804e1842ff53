"""A promised purity from labels to verdicts: the commands, a run, its replay, the comparison."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from PIL import Image

from commands.run_setup.replaying import replay_of
from line.promise.bound import purity_at_least
from line.promise.label_file import ScoredLabel, read_labels, write_labels
from tests.running_line import called
from tests.tiny_model import CLASSES

PURITY = 0.8
FEED = ("--speed", "max", "--workers", 1, "--quiet", "--set", "review.enabled=false")
PICTURES = 200


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Class folders of pictures of one colour; where the model is in doubt some lie elsewhere."""
    folder = tmp_path_factory.mktemp("pictures")
    colours = np.random.default_rng(3).integers(0, 256, size=(PICTURES, 1, 1, 3), dtype=np.uint8)
    batch = np.broadcast_to(colours, (PICTURES, 8, 8, 3)).copy()
    (answers,) = onnxruntime.InferenceSession(str(tiny_model)).run(None, {"image": batch})
    for number, (picture, answer) in enumerate(zip(batch, answers, strict=True)):
        is_elsewhere = answer.max() < 0.8 and number % 2
        name = CLASSES[(int(answer.argmax()) + is_elsewhere) % len(CLASSES)]
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, pictures: Path) -> Path:
    """`first`, a run; `labels.csv`, its rows as labels; `kept`, the same belt with promises."""
    folder = tmp_path_factory.mktemp("promises")
    feed = (*FEED, "--source", pictures, "--model", tiny_model)
    assert called("run", *feed, "--run-dir", folder / "first").returncode == 0
    of_model = ("--model", tiny_model)
    made = called("promise", folder / "first", *of_model, "--out", folder / "labels.csv", "--json")
    assert made.returncode == 0, made.stderr
    (folder / "said.json").write_text(made.stdout)
    best = best_class(folder)
    promise = (f"decision.promise.{best}={PURITY}", f"decision.promise_labels={folder}/labels.csv")
    settings = [part for each in promise for part in ("--set", each)]
    kept = called("run", *feed, *settings, "--run-dir", folder / "kept")
    assert kept.returncode == 0, kept.stderr
    return folder


def best_class(folder: Path) -> str:
    """The one whose labels show the most, but for the one without a bin."""
    found = json.loads((folder / "said.json").read_text())["classes"]
    return max(found, key=lambda name: purity_at_least(found[name]["right"], found[name]["labels"]))


def rows(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "results.csv").set_index("frame_id")


def promised(run: Path) -> dict[str, object]:
    (found,) = json.loads((run / "settings.json").read_text())["decision"]["promised"]
    return dict(found)


def test_every_row_whose_class_is_known_is_a_label(folder: Path) -> None:
    labels = read_labels(folder / "labels.csv")
    table = rows(folder / "first")
    assert len(labels) == len(table) == PICTURES
    assert [label.is_right for label in labels] == (
        table["predicted_class"] == table["true_class"]
    ).tolist()
    assert {label.source for label in labels} == {f"first/{name}" for name in table.index}


def test_a_class_with_a_promise_is_judged_by_its_own_threshold(folder: Path) -> None:
    found, table, before = promised(folder / "kept"), rows(folder / "kept"), rows(folder / "first")
    assert found["class_name"] == best_class(folder)
    assert found["threshold"] != pytest.approx(0.5, abs=0.01)
    own = table["predicted_class"] == found["class_name"]
    unsure = table["low_confidence"].astype(bool)
    assert (unsure[own] == (table["confidence"][own] < found["threshold"])).all()
    assert (unsure[~own] == before.loc[table.index, "low_confidence"].astype(bool)[~own]).all()
    assert (unsure[own] != before.loc[table.index, "low_confidence"].astype(bool)[own]).any()


def test_the_accounts_set_the_observed_beside_the_promised(folder: Path) -> None:
    summary = json.loads((folder / "kept" / "summary.json").read_text())
    (figures,) = summary["promises"]
    table = rows(folder / "kept")
    inside = table[
        (table["predicted_class"] == figures["class"])
        & table["verdict"].isin(["sorted", "missorted"])
    ]
    right = int((inside["true_class"] == figures["class"]).sum())
    assert figures["observed"]["labelled"] == len(inside)
    assert figures["observed"]["right"] == right
    assert figures["observed"]["purity"] == pytest.approx(right / len(inside), abs=1e-6)
    assert figures["observed"]["at_least"] < right / len(inside)
    assert figures["state"] == "stands"
    assert json.loads((folder / "kept" / "run.json").read_text())["malformed_messages"] == 0
    assert "What was promised of the bins" in (folder / "kept" / "report.html").read_text()
    assert f"{figures['class']}: 80.0 % promised" in called("report", folder / "kept").stdout


def test_a_replay_keeps_the_thresholds_that_were_found_then(folder: Path, tmp_path: Path) -> None:
    hidden = folder / "labels.csv"
    hidden.rename(folder / "moved.csv")
    try:
        again = called("replay", folder / "kept", "--quiet", "--run-dir", tmp_path / "again")
    finally:
        (folder / "moved.csv").rename(hidden)
    assert again.returncode == 0, again.stderr
    assert promised(tmp_path / "again") == promised(folder / "kept")
    columns = ["verdict", "low_confidence", "predicted_class"]
    table = rows(tmp_path / "again")[columns]
    assert table.equals(rows(folder / "kept").loc[table.index, columns])


@pytest.mark.parametrize(
    ("key", "value"), [("model.path", "models/other.onnx"), ("model.engine", "openvino")]
)
def test_nothing_is_promised_of_a_replay_with_another_model_or_engine(
    folder: Path, key: str, value: str
) -> None:
    replay = replay_of(folder / "kept", {key: value}, with_faults=False)
    assert promised(folder / "kept")
    assert (replay.settings.decision.promise, replay.settings.decision.promised) == ({}, ())
    assert replay.told.endswith("; nothing is promised of another model or engine")


def test_a_comparison_puts_what_a_promise_changed_down_to_the_threshold(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "diff"
    found = called("diff", folder / "first", folder / "kept", "--out", out)
    assert found.returncode == 0, found.stderr
    changes = pd.read_csv(next(out.glob("*.csv")))
    assert len(changes) > 0
    assert set(changes["cause"]) == {"threshold"}


def test_class_folders_are_labels_and_a_file_grows_only_by_name(
    folder: Path, pictures: Path, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    of_model = ("--model", tiny_model)
    made = called("promise", pictures, *of_model, "--out", path)
    assert made.returncode == 0, made.stderr
    labels = read_labels(path)
    assert len(labels) == PICTURES
    by_run = {
        (each.predicted_class, each.confidence) for each in read_labels(folder / "labels.csv")
    }
    assert {(each.predicted_class, each.confidence) for each in labels} == by_run
    assert all(f"/{label.true_class}/" in label.source for label in labels)
    assert all(label.source.startswith(str(pictures)) for label in labels)
    refused = called("promise", pictures, *of_model, "--out", path)
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    foreign = ScoredLabel("cd" * 6, "glass", 0.5, "glass", "elsewhere")
    write_labels(path, [*labels, foreign])
    more = called("promise", path, pictures, folder / "first", *of_model, "--out", path)
    assert more.returncode == 0, more.stderr
    assert "labels of other models, which do not count here: 1" in more.stderr
    assert len(read_labels(path)) == 2 * PICTURES + 1
    assert foreign in read_labels(path), "nothing that was in the file is lost"


def test_what_cannot_be_labels_is_one_line(
    pictures: Path, tiny_model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tin" / "a.png"
    other.parent.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(other)
    of_model = ("--model", tiny_model)
    for arguments, complaint in (
        ((tmp_path / "none", *of_model), "no such file or folder"),
        ((tmp_path, *of_model), "'tin' is not a class of the model"),
        ((pictures / CLASSES[0], *of_model), "has no class folders"),
        ((pictures, *of_model, "--purity", "98"), "must be numbers between 0 and 1"),
    ):
        refused = called("promise", *arguments)
        assert refused.returncode == 2
        assert complaint in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
