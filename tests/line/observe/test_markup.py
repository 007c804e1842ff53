"""Brackets and colons in names from outside are printed as they are, never read as markup."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import typer
from PIL import Image

from commands.run_setup.accounting import conclude
from line.errors import ExitCode, StageDied
from line.run_files.run_folder import RunFolder
from line.supervise.runner import Ended
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.made_run import make_run
from tests.reports.test_folder import FACTS, mixed_rows, write_run

TITLE = "a[/b]"
FOLDER = "pic[/x]"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, without the breaks where a line was too long."""
    return capsys.readouterr().out.replace("\n", "")


def save(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 9), (200, 40, 90)).save(path)
    return path


def test_check_prints_title_and_folder(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save(tmp_path / FOLDER / "1.png").parent
    given = ["--source", str(folder), "--set", f'title="{TITLE}"', "--model", str(tiny_model)]

    assert main(["check", *given]) == 0
    printed = said(capsys)
    assert f"ok  {TITLE}: " in printed
    assert str(folder) in printed


@pytest.mark.parametrize("name", ["[red]c.png", "c[/x].png", "[bold].png", ":heart:.png"])
def test_classify_prints_the_file(
    name: str, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / ("long" * 40) / FOLDER / name)

    status = main(["classify", str(tmp_path), "--threshold", "1", "--model", str(tiny_model)])
    printed = capsys.readouterr().out
    assert status == 0
    assert f"{tmp_path}/{'long' * 40}/{FOLDER}/{name} " in printed
    assert "low confidence" in printed
    assert "[dim]" not in printed


def test_report_and_explain_print_folder_and_title(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / FOLDER, mixed_rows(), {**FACTS, "fed": 12}, {"title": TITLE})

    assert main(["report", str(run_dir)]) == 0
    printed = said(capsys)
    assert f" {TITLE} " in printed
    assert f"{run_dir}/report.html" in printed
    assert main(["explain", str(run_dir)]) == 0
    printed = said(capsys)
    assert f" {TITLE} " in printed
    assert "Surest mistakes" in printed
    assert "[bold]" not in printed


def test_a_run_ends_with_its_own_status_whatever_its_folder_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / FOLDER, mixed_rows(), changes={"title": TITLE})
    folder = RunFolder(run_dir)
    died = Ended("died", StageDied("no worker is left"))

    with pytest.raises(StageDied):
        conclude(died, folder, quiet=False, as_json=False)
    with pytest.raises(typer.Exit) as ended:
        conclude(Ended("finished"), folder, quiet=False, as_json=False)
    assert ended.value.exit_code == ExitCode.UNACCOUNTED
    assert said(capsys).count(f"{run_dir}/report.html") == 2


def test_a_plan_prints_the_names_of_its_profiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "fast[red].json"
    hand_made_profile().store(profile)
    line = "--scenario steady --infeed 600 --belt-speed 1 --workers 1,2 --duration 1 --draws=5"
    given = [*line.split(), "--jobs=1", f"--profile={profile}", f"--out={tmp_path / FOLDER}"]

    assert main(["plan", *given]) == 0
    printed = said(capsys)
    assert "fast[red] · 1 camera" in printed
    assert f"{FOLDER}/plan.html" in printed
    assert "Fewest workers" in printed
    assert "✓" in printed
    assert "[bold]" not in printed
    assert "[dim]" not in printed


def test_the_words_of_a_prompt_are_no_tags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = make_run(tmp_path / FOLDER)
    monkeypatch.setattr("sys.stdin", io.StringIO("wood\n"))

    assert main(["override", str(run_dir)]) == 0
    printed = said(capsys)
    assert "select one of the available options" in printed
    assert "[prompt" not in printed
    assert str(run_dir) in printed


def test_override_prints_item_and_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = make_run(tmp_path / "run", classes=("[red]glass", "me[bold]tal", "paper"))

    assert main(["override", str(run_dir), "0-1", "me[bold]tal"]) == 0
    assert said(capsys) == "0-1 is me[bold]tal"
