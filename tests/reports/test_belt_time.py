"""The hours in tonnes an hour: the same belt has the same, whichever way it was run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.summary import summarise
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.reports.test_folder import FACTS, mixed_rows, write_run
from tests.running_line import called

RATES = ("belt_s", "throughput_t_per_h")


def rates(summary: dict[str, Any]) -> list[Any]:
    fed = summary["loss"]["all"]["fed"]
    return [*(summary[name] for name in RATES), fed["t_per_h"], fed["value_per_h"]]


@pytest.mark.parametrize("belt_s", [2.75, 4.0, 900.0, None])
def test_a_belt_that_runs_empty_at_the_end_feeds_no_slower(
    tmp_path: Path, belt_s: float | None
) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows(), {**FACTS, "belt_s": belt_s}))
    assert rates(summary)[:3] == [2.75] + 2 * [round(920e-6 / 2.75 * 3600, 6)]


def test_without_rows_there_are_no_hours(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, [], {**FACTS, "fed": 0}))
    assert (summary["belt_s"], summary["throughput_t_per_h"]) == (None, None)


def test_a_real_run_and_its_twin_have_the_same_rates(tmp_path: Path, tiny_model: Path) -> None:
    profile = hand_made_profile().model_copy(update={"source": "procedural"})
    profile.store(tmp_path / "profile.json")
    options = ["--source=procedural", "--items=12", "--seed=11", "--workers=1", "--quiet"]
    options += ["--set=classes.metal.value_per_t=1000", "--set=camera.width_px=32"]
    real, virtual = ["--speed=max", f"--model={tiny_model}"], ["--clock=virtual"]
    virtual += [f"--profile={tmp_path / 'profile.json'}"]
    assert main(["run", *options, *virtual, f"--run-dir={tmp_path / 'virtual'}"]) == 0
    ran = called("run", *options, *real, "--run-dir", tmp_path / "real")
    assert ran.returncode == 0, ran.stderr

    found = [summarise(tmp_path / name) for name in ("real", "virtual")]
    facts = [json.loads((tmp_path / n / "run.json").read_text()) for n in ("real", "virtual")]
    assert facts[0]["belt_s"] > facts[1]["belt_s"] + 0.5, "the real belt runs its last item off"
    assert rates(found[0]) == rates(found[1])
    assert rates(found[0])[3] > 0
