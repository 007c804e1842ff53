"""Same seed, same belt: items, arrivals and pictures depend on nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.running_line import UndisturbedLine, assert_accounted

BELT_COLUMNS = ["frame_id", "scheduled_s", "true_class", "mass_g", "picture_crc32"]


def _belt(run_dir: Path, model: Path, *arguments: object) -> pd.DataFrame:
    """What the belt brought, in order, whatever became of it."""
    items = ("--items", 60, "--scenario", "dim_light", "--set", "camera.window_frames=256")
    with UndisturbedLine(run_dir, "--model", model, *items, *arguments) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        return line.rows()[BELT_COLUMNS].sort_values("frame_id", ignore_index=True)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> pd.DataFrame:
    run_dir = tmp_path_factory.mktemp("reference") / "run"
    belt = _belt(run_dir, tiny_model, "--speed", 1, "--workers", 1, "--seed", 11)
    assert belt["picture_crc32"].nunique() == 60
    return belt


@pytest.mark.parametrize(("speed", "workers"), [("4", 1), ("max", 4)])
def test_speed_and_workers_do_not_change_the_belt(
    speed: str, workers: int, reference: pd.DataFrame, tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--speed", speed, "--workers", workers, "--seed", 11)
    belt = _belt(tmp_path / "run", tiny_model, *options)
    pd.testing.assert_frame_equal(belt, reference)


def test_another_seed_is_another_belt(
    reference: pd.DataFrame, tmp_path: Path, tiny_model: Path
) -> None:
    belt = _belt(tmp_path / "run", tiny_model, "--speed", "max", "--seed", 12)
    assert not set(belt["picture_crc32"]) & set(reference["picture_crc32"])
    assert list(belt["scheduled_s"]) != list(reference["scheduled_s"])
