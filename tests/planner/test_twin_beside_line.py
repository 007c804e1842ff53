"""The twin beside the real line: the same items, the same kind of run folder, wrong input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from line.errors import BadInput
from line.settings import Settings
from planner.profile import Profile, newest
from planner.sim.twin import simulate
from producers.randomness import Purpose, first_uniforms, stream, streams
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.running_line import RunningLine, UndisturbedLine
from tests.tiny_model import write_tiny_model
from tests.virtual_lines import rows_of, settings_of

# -- beside the real line -----------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(7, 0), (2**40 + 5, 63), (2**63 - 1, 70_000)])
@pytest.mark.parametrize("purpose", [Purpose.ARRIVAL, Purpose.ITEM])
def test_streams_are_the_streams_one_by_one(numbers: tuple[int, int], purpose: Purpose):
    for seq, rng in enumerate(islice(streams(*numbers, purpose), 1100)):
        if seq % 50 == 0 or seq > 1020:
            alone = stream(*numbers, seq, purpose)
            assert rng.exponential(0.3) == alone.exponential(0.3)
            assert rng.integers(1000) == alone.integers(1000)
            assert rng.random() == alone.random()


def test_first_uniforms_are_those_of_the_streams():
    for seq, share in enumerate(islice(first_uniforms(2**40 + 5, 3, Purpose.ITEM), 1100)):
        if seq % 50 == 0:
            assert share == stream(2**40 + 5, 3, seq, Purpose.ITEM).random()


def test_items_and_triggers_are_those_of_the_real_line(tmp_path: Path):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    options = ("--source=procedural", "--cameras=2", "--items=40", "--seed=11", f"--model={model}")
    belt = ("--set=infeed.process='poisson'", "--set=infeed.items_per_min=1200")
    small = ("--set=camera.width_px=32", "--set=camera.height_px=32")
    quick = ("--speed=max", "--workers=1", "--no-active-learning")
    with UndisturbedLine(tmp_path / "real", *options, *belt, *small, *quick) as line:
        assert line.finish()[0] == 0
    profile = hand_made_profile()
    profile.store(tmp_path / "profile.json")
    virtual = ("--clock=virtual", f"--profile={tmp_path / 'profile.json'}", "--quiet")
    assert main(["run", *virtual, f"--run-dir={tmp_path / 'virtual'}", *options[:-1], *belt]) == 0
    real, simulated = (
        RunningLine(tmp_path / name)
        .rows()[["frame_id", "scheduled_s", "true_class", "mass_g"]]
        .sort_values("frame_id", ignore_index=True)
        for name in ("real", "virtual")
    )
    assert real.equals(simulated)


def test_a_virtual_run_leaves_what_a_run_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    profile = tmp_path / "profile.json"
    hand_made_profile().store(profile)
    arguments = ("--clock=virtual", f"--profile={profile}", "--items=30", "--workers=1")
    assert main(["run", *arguments, f"--run-dir={tmp_path / 'run'}"]) == 0
    printed = capsys.readouterr().out
    assert "fed 30 = logged 30, lost 0, duplicates 0" in printed
    assert "virtual time" in printed
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"results.csv", "run.json", "settings.json", "summary.json", "report.html"} <= names
    assert '"clock": "virtual"' in (tmp_path / "run" / "run.json").read_text()


# -- wrong input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (lambda: settings_of(line__items=0), "line.duration_s, line.items"),
        (lambda: settings_of(line__items=1, source__spec="webcam:0"), "webcam:0"),
        (lambda: settings_of(line__items=1, source__spec=__file__), "nobody knows its items"),
        (lambda: settings_of(line__items=1, source__spec="/nowhere"), "no such file"),
    ],
)
def test_what_cannot_be_simulated_is_refused(settings: Callable[[], Settings], named: str):
    with pytest.raises(BadInput, match=named):
        simulate(settings(), hand_made_profile())


def test_a_flat_folder_has_no_classes(tmp_path: Path):
    Image.new("RGB", (32, 32)).save(tmp_path / "one.png")
    with pytest.raises(BadInput, match="no sub-folder for each class"):
        simulate(settings_of(source__spec=str(tmp_path)), hand_made_profile())


def test_a_folder_of_classes_is_fed_as_the_real_line_feeds_it(tmp_path: Path):
    for name, count in (("glass", 3), ("metal", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("RGB", (32, 32)).save(tmp_path / name / f"{number}.png")
    rows = rows_of(settings_of(source__spec=str(tmp_path)))
    assert Counter(row.true_class for row in rows) == {"glass": 3, "metal": 2}


def test_a_class_without_answers_is_named():
    profile = hand_made_profile()
    answers = {name: known for name, known in profile.answers.items() if name != "paper"}
    with pytest.raises(BadInput, match="no answers to items of class 'paper'"):
        simulate(settings_of(line__items=1), profile.model_copy(update={"answers": answers}))


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"picture_ms": [', '"picture_ms": [5, ', "picture_ms: must not fall"),
        ('"cores": 64', '"cores": 0', "machine.cores"),
        ('"busy": 1', '"busy": 2', "service: must hold busy = 1"),
        ('"source"', '"sauce"', "source: Field required"),
        ('"machine"', '"sauce": 1, "machine"', "sauce: Extra inputs .*run_line.py profile"),
        ("{", "", "Invalid JSON"),
    ],
)
def test_a_damaged_profile_is_one_line(tmp_path: Path, before: str, after: str, named: str):
    path = tmp_path / "profile.json"
    hand_made_profile().store(path)
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(BadInput, match=named) as caught:
        Profile.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_profile_it_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(BadInput, match=r"run_line\.py profile"):
        newest(settings_of(results__dir=str(tmp_path)))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--clock=virtual", "--profile=/nowhere.json"), "/nowhere.json: No such file"),
        (("--profile=x.json",), "--profile: the real line needs none"),
        (("--clock=virtual", "--record"), "record.enabled: not in virtual time"),
        (("--clock=virtual", "--console=on"), "--console"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["run", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert named in complaint
    assert complaint.count("\n") == 1
