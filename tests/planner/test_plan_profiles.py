"""The profiles of a plan: whether they fit, what they are called, whose threshold counts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from commands.plan_output.profiles import names_of
from line.errors import BadInput
from run_line import main
from tests.hand_made_profile import CLASSES, hand_made_profile

SMALL = ("--belt-speed=1", "--workers=1", "--duration=3", "--draws=5", "--jobs=1")


def stored(path: Path, **changes: object) -> Path:
    hand_made_profile().model_copy(update=changes).store(path)
    return path


def without_trash() -> dict[str, object]:
    profile = hand_made_profile()
    answers = {name: known for name, known in profile.answers.items() if name != "trash"}
    return {"classes": CLASSES[:-1], "answers": answers}


def planned(tmp_path: Path, *options: str) -> list[dict[str, str]]:
    folder = tmp_path / "plan"
    assert main(["plan", "--scenario=steady", *SMALL, *options, f"--out={folder}"]) == 0
    with (folder / "plan.csv").open() as file:
        return list(csv.DictReader(file))


# -- whether they fit ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("plan", *SMALL), ("run", "--clock=virtual", "--items=1")])
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"source": "datasets/other"},
            "profile.json: was measured with pictures of datasets/other, source.spec is procedural",
        ),
        (
            {"picture_px": (48, 64)},
            "was measured with pictures of 64x48, and camera.width_px and camera.height_px say ",
        ),
        (without_trash(), "belt.residue_class: 'trash' is not a class of the profile"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused_by_plan_and_virtual_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    changes: dict[str, object],
    complaint: str,
):
    file = stored(tmp_path / "profile.json", **changes)
    name, *options = command
    assert main([name, "--scenario=steady", f"--profile={file}", *options]) == 2
    said = capsys.readouterr().err.strip()
    assert complaint in said
    assert "\n" not in said


# -- names --------------------------------------------------------------------------------------


def test_names_are_as_long_as_it_takes_to_tell_them_apart(tmp_path: Path):
    short = [tmp_path / "small.json", tmp_path / "large.json"]
    assert names_of(short) == ["small", "large"]
    equal = [tmp_path / name for name in ("a/x/p.json", "b/x/p.json", "b/y/p.json", "q.json")]
    assert names_of(equal) == ["a/x/p", "b/x/p", "y/p", "q"]


def test_a_profile_given_twice_is_named():
    with pytest.raises(BadInput, match=r"^--profile p\.json: is given twice$"):
        names_of([Path("p.json"), Path("q.json"), Path("p.json").absolute(), Path("p.json")])


# -- thresholds ---------------------------------------------------------------------------------


def test_each_profile_has_its_own_threshold_unless_there_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Every answer is 0.9 sure: less than the second model asks for."""
    bold = stored(tmp_path / "bold" / "p.json", threshold=0.4)
    shy = stored(tmp_path / "shy" / "p.json", threshold=0.95)
    both = (f"--profile={bold}", f"--profile={shy}")
    own = planned(tmp_path, *both)
    assert [(row["profile"], row["threshold"], row["recovery"]) for row in own] == [
        ("bold/p", "0.4", "1"),
        ("shy/p", "0.95", "0"),
    ]
    said = capsys.readouterr().out
    assert "bold/p · 1 camera · items keep their distance · threshold 0.4 ·" in said
    assert "shy/p · 1 camera · items keep their distance · threshold 0.95 ·" in said
    for option in ("--threshold=0.6", "--set=decision.threshold=0.6"):
        assert [row["threshold"] for row in planned(tmp_path, *both, option)] == ["0.6", "0.6"]
    grid = tmp_path / "grid.toml"
    grid.write_text("threshold = [0.6, 0.7]")
    given = planned(tmp_path, *both, f"--grid={grid}")
    assert [row["threshold"] for row in given] == ["0.6", "0.7", "0.6", "0.7"]
