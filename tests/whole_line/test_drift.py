"""A lamp that fades on a real line, whose alerts sink is killed meanwhile."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from line.run_files.picture_statistics import StatisticsReader
from line.run_files.results import decode_row
from line.settings import Settings
from sinks.drift_watch import DriftWatch
from tests.running_line import called

PICTURES = 180
FADING = ("camera.effects=on", "camera.lamp_drift_per_min=-1.2", "drift.learn_items=40")
KILL = 'events=[{ at_s = 10, action = "kill", role = "sink", index = "alerts" }]'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Pictures that are much alike, fed once while the lamp loses half of its light."""
    folder, rng = tmp_path_factory.mktemp("drift"), np.random.default_rng(6)
    (folder / "pictures").mkdir()
    for number in range(PICTURES):
        colour = np.clip(rng.normal((150, 130, 110), 4), 0, 255).astype(np.uint8)
        picture = Image.fromarray(np.broadcast_to(colour, (32, 32, 3)).copy())
        picture.save(folder / "pictures" / f"{number}.png")
    settings = [
        part for each in (*FADING, KILL, "review.enabled=false") for part in ("--set", each)
    ]
    feed = ("--source", folder / "pictures", "--model", tiny_model, "--workers", 1, "--quiet")
    made = called("run", *feed, "--speed", "max", *settings, "--run-dir", folder / "run")
    assert made.returncode == 0, made.stderr
    return folder / "run"


def settings_of(run: Path) -> Settings:
    return Settings.model_validate_json((run / "settings.json").read_text())


def test_a_sink_that_was_killed_tells_of_what_one_look_at_all_rows_finds(run: Path) -> None:
    told = [json.loads(line) for line in (run / "alerts.jsonl").read_text().splitlines()]
    assert any(line["source"] == "alerts" for line in told), "it was killed"
    _, *lines = (run / "results.csv").read_text().splitlines()
    with closing(DriftWatch(settings_of(run), run)) as watch:
        found = [change.line for line in lines for change in watch.take(decode_row(line))]
    assert found
    assert found[0]["statistic"] == "light"
    assert [{key: line[key] for key in found[0]} for line in told if "since" in line] == found


def test_every_row_has_its_picture_in_the_file_of_statistics(run: Path) -> None:
    with closing(StatisticsReader(run)) as statistics:
        lights = [statistics.read(0, seq)[0] for seq in range(PICTURES)]
    assert None not in lights
    assert np.mean(lights[-20:]) < 0.7 * np.mean(lights[:20])


def test_the_accounts_tell_of_it(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["drift"][0]["statistic"] == "light"
    assert summary["drift"][0]["over"] is None
    assert "light is lower since item" in (run / "report.html").read_text()
    assert "<h2>Drift</h2>" in (run / "report.html").read_text()
    assert json.loads((run / "run.json").read_text())["malformed_messages"] == 0
