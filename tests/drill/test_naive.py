"""The naive line does the job until something breaks, and then it loses items."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.naive_storm import storm
from drill.plan import Injection
from line.config import load
from line.settings import Settings


@pytest.fixture
def settings() -> Settings:
    options = [("line.items", 60), ("line.workers", 2), ("supervisor.hang_s", 0.5)]
    return load(scenario="storm", environment={}, options=options)


def test_undisturbed_it_loses_nothing(tmp_path: Path, tiny_model: Path, settings: Settings) -> None:
    found = storm(settings, tiny_model, [], tmp_path / "rows.csv")
    assert (found.hits, found.fed, found.rows, found.lost, found.duplicates) == (0, 60, 60, 0, 0)


def test_what_a_stopped_process_holds_is_lost(
    tmp_path: Path, tiny_model: Path, settings: Settings
) -> None:
    both_workers_and_the_sink = Injection("stop", "several", 0.5, 0.5)
    found = storm(settings, tiny_model, [both_workers_and_the_sink], tmp_path / "rows.csv")
    assert found.hits == 3
    assert found.lost > 0
    assert 0 < found.rows == found.fed - found.lost
