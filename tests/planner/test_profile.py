from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from line.config import load
from planner.measure.loads import (
    brisk,
    busy,
    calm,
    counts,
    evenly,
    flood,
    smaller_flood,
    with_kills,
)
from planner.profile import Profile, quantile
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.running_line import TIMEOUT_S, command
from tests.tiny_model import CLASSES, write_tiny_model


@pytest.fixture(autouse=True)
def no_wait_for_a_calm_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.profile._MOST_LOOKS", 1)


def test_a_slower_machine_takes_longer_over_everything():
    profile = hand_made_profile(inference_ms=10.0, hop_ms=2.0, store_ms=3.0)
    slower = profile.slowed(1.5)
    assert slower.service[0].ms == (15.0,)
    assert slower.latency_samples[0].items[0].to_worker_ms == 3.0
    assert slower.acknowledged_ms == (4.5,)
    assert slower.start_s == profile.start_s
    assert slower.slowed(1 / 1.5).service == profile.service


def test_loads_know_their_workers():
    assert counts(1) == [1]
    assert counts(6) == [1, 2, 4, 6]
    flooded = flood(load(environment={}), 0.01, 5.0, 2)
    assert flooded.infeed.items_per_min == 60 * 250  # a quarter more than two workers of 10 ms do
    assert flooded.line.workers == 2
    assert smaller_flood(flooded, answers_per_s=200.0) is None
    milder = smaller_flood(flooded, answers_per_s=100.0)
    assert milder is not None
    assert milder.infeed.items_per_min == 60 * 125
    assert brisk(milder, 100.0).infeed.items_per_min == 60 * 85
    assert brisk(milder, 100.0).line.workers == 2
    rates = [each.infeed.items_per_min / 60 for each in calm(load(environment={}), 0.01, 5.0)]
    assert rates == [15, 30, 55]  # of 100 a second
    rates = [each.infeed.items_per_min / 60 for each in calm(load(environment={}), 0.001, 5.0)]
    assert rates == [20, 40, 80]
    at_random = busy(load(environment={}), 100.0, 5.0, 4)
    assert at_random.infeed.process == "poisson"
    assert [event.at_s for event in with_kills(at_random).events] == [5.0, 8.0]
    even = evenly(at_random)
    assert (even.infeed.process, even.line.duration_s) == ("regular", 2.5)
    assert even.infeed.items_per_min == at_random.infeed.items_per_min


def test_profile_of_a_real_line(tmp_path: Path, tiny_model: Path):
    """Of a line that is fed with picture files: its runs are given the list of them."""
    file, pictures = tmp_path / "profile.json", tmp_path / "pictures"
    for number, name in enumerate(CLASSES):
        (pictures / name).mkdir(parents=True)
        Image.new("RGB", (64, 48), (40 * number, 90, 30)).save(pictures / name / "one.png")
    far = "belt.camera_to_ejector_m=4"  # also on a busy machine some are answered in time
    small = ("camera.width_px=64", "camera.height_px=48", "source.order=random", far)
    ended = command(
        "profile",
        f"--model={tiny_model}",
        f"--source={pictures}",
        "--workers=1",
        "--seconds=1",
        f"--out={file}",
        *(f"--set={each}" for each in small),
        timeout_s=2 * TIMEOUT_S,  # ten lines, one after the other
    )
    assert ended.returncode == 0, ended.stderr
    assert "1 worker, more items than can be done" in ended.stdout
    assert "decision to acknowledgement" in ended.stdout
    measured = Profile.load(file)
    assert measured.classes == CLASSES
    assert measured.source == str(pictures)
    assert set(measured.answers) <= set(CLASSES)
    assert min(len(each.ms) for each in measured.service) >= 1
    assert all(
        sample.to_worker_ms > 0 for samples in measured.latency_samples for sample in samples.items
    )
    assert {each.workers for each in measured.service} == {None, 1}
    assert {each.workers for each in measured.turnaround} <= {1}
    assert {use.workers for use in measured.processor} == {1}
    # Of each run alone a busy machine may have seen too little.
    assert sum(use.answers_per_s for use in measured.processor) > 0
    assert sum(use.cores["worker"] for use in measured.processor) > 0
    kinds = {"worker", "camera", "camera/children", "dispatcher", "csv_log", "supervisor"}
    assert all(kinds <= use.cores.keys() for use in measured.processor)
    assert 0 < measured.inference_ms < 100
    assert 0 < quantile(measured.start_s, 0.5) < 60
    assert measured.machine.cores >= 1


@pytest.mark.parametrize(("names_one", "kept"), [(True, 0.5), (False, 0.9)])
def test_the_threshold_kept_is_the_models_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names_one: bool, kept: float
):
    """The file's, whatever is set; what is set, where the file names none."""
    model = write_tiny_model(tmp_path / "tiny.onnx", metadata=names_one)
    if not names_one:
        index = {str(number): name for number, name in enumerate(CLASSES)}
        (tmp_path / "tiny.class_index.json").write_text(json.dumps(index))

    def measure(*_: object, threshold: float, **__: object) -> Profile:
        return hand_made_profile().model_copy(update={"threshold": threshold})

    monkeypatch.setattr("planner.measure.measurement.measure", measure)
    file = tmp_path / "profile.json"
    options = (f"--model={model}", "--set=decision.threshold=0.9", f"--out={file}")
    assert main(["profile", *options]) == 0
    assert Profile.load(file).threshold == kept


def test_a_source_without_classes_is_refused(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "flat"
    folder.mkdir()
    Image.new("RGB", (32, 32)).save(folder / "one.png")
    assert main(["profile", f"--model={tiny_model}", f"--source={folder}"]) == 2
    said = capsys.readouterr().err
    assert "source.spec: " in said
    assert "nobody knows its items' classes" in said


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--seconds=0", "--seconds"),
        ("--workers=0", "--workers"),
        ("--model=none.onnx", "none.onnx"),
    ],
)
def test_wrong_options_are_named(capsys: pytest.CaptureFixture[str], option: str, complaint: str):
    assert main(["profile", option]) == 2
    assert complaint in capsys.readouterr().err
