"""Pictures made before they are needed: the same belt, whoever makes them and whatever dies."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from line.observe.control_client import Control
from line.process.priority import LOWEST
from line.run_files.process_list import ProcessList
from tests.line.process.test_priority import priority, wait_for_session
from tests.producers.test_maker import children
from tests.producers.test_sources import save
from tests.running_line import RunningLine, assert_accounted, called, command, is_alive, poll

BELT_COLUMNS = ["frame_id", "scheduled_s", "true_class", "mass_g", "picture_crc32"]
ITEMS = 60
DIM = ("--scenario", "dim_light", "--items", ITEMS, "--speed", 3, "--seed", 11)
AHEAD = ("--set", "camera.prepare=ahead")
ROOM = ("--set", "camera.window_frames=256", "--workers", 1)


def belt(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[BELT_COLUMNS].sort_values("frame_id", ignore_index=True)


def the_maker(line: RunningLine) -> int | None:
    """Of the first camera's pictures; None while there is none."""
    camera = line.pid("camera-0")
    found = children(camera) if camera is not None else []
    return found[0] if found else None


def finished(line: RunningLine) -> dict[str, Any]:
    status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())
    pictures: dict[str, Any] = summary["pictures"]
    return pictures


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> pd.DataFrame:
    """The belt whose camera makes its own pictures."""
    run_dir = tmp_path_factory.mktemp("live") / "run"
    arguments = ("--model", tiny_model, *DIM, *ROOM, "--set", "camera.prepare=live")
    with RunningLine(run_dir, *arguments) as line:
        line.wait_for_rows(1)
        assert the_maker(line) is None
        assert finished(line) == {"ahead": 0, "live": ITEMS, "processor_ms": 0}
        return belt(line.rows())


def test_pictures_made_ahead_are_those_made_live_also_when_their_maker_is_killed(
    live: pd.DataFrame, tmp_path: Path, tiny_model: Path
) -> None:
    longer = ("--items", 100_000)  # than anybody takes to look at its makers
    arguments = ("--model", tiny_model, *DIM, *ROOM, *AHEAD, *longer)
    with RunningLine(tmp_path / "run", *arguments) as line:
        killed = poll(lambda: the_maker(line), "the maker")
        line.wait_for_rows(5)
        assert priority(killed) == LOWEST, "the belt runs"
        os.kill(killed, signal.SIGKILL)
        poll(lambda: the_maker(line) not in (None, killed), "the next maker")
        last = the_maker(line)
        assert last is not None
        poll(lambda: priority(last) == LOWEST, "a maker that yields to everybody")
        wait_for_session(last, LOWEST)
        line.wait_for_rows(ITEMS)
        line.interrupt()
        pictures = finished(line)
        assert pictures["ahead"] > 0
        assert pictures["processor_ms"] > 0
        rows = line.rows()
        first = belt(rows[rows["seq"] < ITEMS]).astype(live.dtypes.to_dict())
        pd.testing.assert_frame_equal(first, live)
        lines = (line.run_dir / "events.jsonl").read_text().splitlines()
        events = [json.loads(text) for text in lines]
        told = [event["text"] for event in events if event["event"] == "maker"]
        assert len(told) == 1
        assert told[0].startswith("camera-0 lost the process that makes its pictures ahead (killed")
        poll(lambda: not is_alive(last), "the maker's end")


def test_all_pictures_made_before_the_belt_are_those_made_live(
    live: pd.DataFrame, tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("--model", tiny_model, *DIM, *ROOM, "--set", "camera.prepare=all")
    with RunningLine(tmp_path / "run", *arguments) as line:
        pictures = finished(line)
        assert (pictures["ahead"], pictures["live"]) == (ITEMS, 0)
        pd.testing.assert_frame_equal(belt(line.rows()), live)


def test_a_camera_that_dies_takes_its_maker_along_and_its_successor_does_not_wait(
    tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.05, "--workers", 1)
    with RunningLine(tmp_path / "run", *arguments, *AHEAD) as line:
        line.wait_for_rows(20)
        maker = poll(lambda: the_maker(line), "the maker")
        line.kill("camera-0")
        poll(lambda: not is_alive(maker), "the end of the maker")
        line.wait_for_rows(line.rows_written() + 60)
        poll(lambda: the_maker(line), "the next maker")
        line.interrupt()
        assert finished(line)["ahead"] > 0


def test_files_are_read_before_the_belt_runs_at_full_speed_too(
    tmp_path: Path, tiny_model: Path
) -> None:
    for number in range(12):
        save(tmp_path / "shown" / f"{number}.bmp", 20 * number)
    (tmp_path / "shown" / "none.png").write_bytes(b"no picture")
    arguments = ("--model", tiny_model, "--source", tmp_path / "shown", "--speed", "max")
    with RunningLine(tmp_path / "run", *arguments, "--set", "camera.prepare=all") as line:
        pictures = finished(line)
        assert (pictures["ahead"], pictures["live"]) == (12, 1)
        assert sum(line.rows()["verdict"] == "failed") == 1


def test_a_line_that_makes_all_pictures_says_how_far_it_is_and_can_be_ended(
    tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("--model", tiny_model, "--items", 8000, "--workers", 1)
    with RunningLine(tmp_path / "run", *arguments, "--set", "camera.prepare=all") as line:
        poll(lambda: ProcessList.found(line.run_dir).control, "the control socket")
        with Control.of(line.run_dir) as control:
            control.watch()
            shown = poll(lambda: making(control), "word of the pictures")
            assert shown.endswith(" of 8000")
        maker = poll(lambda: the_maker(line), "the maker")
        line.interrupt()
        status, summary = line.finish()
        assert (status, summary["items"]["fed"], summary["ended"]) == (0, 0, "drained")
        poll(lambda: not is_alive(maker), "the maker's end")


def making(control: Control) -> str | None:
    """What the line says of the pictures that its belt waits for."""
    shown = (str(status["shown_phase"]) for status in control.receive(1.0))
    return next((words for words in shown if words.startswith("making pictures: ")), None)


def test_all_pictures_without_room_are_refused_before_the_run(
    tmp_path: Path, tiny_model: Path
) -> None:
    ended = called(
        *("run", "--model", tiny_model, "--run-dir", tmp_path / "run", "--items", 9000),
        *("--set", "camera.prepare=all"),
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    said = " ".join(ended.stderr.split())
    assert said == (
        "error: camera.prepare: 9000 pictures of 0.23 MB do not fit into camera.prepare_mb = 2000"
    )
    assert not (tmp_path / "run").exists()


def test_files_without_room_end_the_run_with_the_figures(tmp_path: Path, tiny_model: Path) -> None:
    for number in range(12):
        save(tmp_path / "shown" / f"{number}.png", 20 * number, size=(500, 400))
    arguments = ("--model", tiny_model, "--source", tmp_path / "shown")
    small = ("--set", "camera.prepare=all", "--set", "camera.prepare_mb=3")
    ended = command("run", *arguments, *small, "--run-dir", tmp_path / "run")
    assert ended.returncode == 4
    said = " ".join(ended.stderr.split())
    assert "camera.prepare: the pictures of all items do not fit" in said
    assert "camera.prepare_mb = 3" in said
