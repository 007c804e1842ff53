"""The drill: its plan is a function of the seed, its audit finds what is missing, and it passes."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from drill import plan
from drill.audit import audit
from drill.one_storm import parse_kinds
from line.config import load
from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from line.outcome import Verdict
from line.run_files.results import HEADER, encode_rows
from line.run_files.runtime_overrides import RuntimeOverrides
from line.run_files.session import Session
from line.settings import Settings
from producers.progress import Progress
from tests.running_line import called, command
from tests.sinks.test_csv_log import outcome

# -- the plan -------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_plan() -> None:
    kinds = tuple(plan.KINDS)
    assert plan.plan(kinds, 30, 60, seed=1) == plan.plan(kinds, 30, 60, seed=1)
    assert plan.plan(kinds, 30, 60, seed=1) != plan.plan(kinds, 30, 60, seed=2)


def test_faults_are_dealt_to_the_kinds_in_turn_and_come_in_order() -> None:
    made = plan.plan(("kill", "stop", "clock"), 11, 60, seed=1)
    assert [each.at_s for each in made] == sorted(each.at_s for each in made)
    kinds = [each.kind for each in made]
    assert (kinds.count("kill"), kinds.count("stop"), len(kinds)) == (6, 5, 11)
    variants = {each.variant for each in made if each.kind == "kill"}
    assert variants == {"one", "several", "twice", "in the start", "in the drain"}


def test_a_storm_of_the_default_size_has_every_kind_and_most_kills_and_stops() -> None:
    made = Counter(each.kind for each in plan.plan(tuple(plan.KINDS), 27, 30, seed=1))
    assert set(made) == set(plan.KINDS) - {"clock"}
    assert made["kill"] == made["stop"] == max(made.values()) == 5


def test_kinds_are_checked_by_name() -> None:
    assert parse_kinds(None) == tuple(plan.KINDS)
    assert parse_kinds("kill, stop") == ("kill", "stop")
    with pytest.raises(BadInput, match="--kinds: 'flood' is not one of kill, stop, runner"):
        parse_kinds("kill,flood")


# -- the audit ------------------------------------------------------------------------------------


MODEL = ModelFacts(path="a.onnx", sha256="a" * 64, classes=("glass",))


@pytest.fixture
def settings() -> Settings:
    return load(environment={}, options=[("line.items", 10)])


def audited(run_dir: Path, settings: Settings, seqs: list[int], *, fed: int, finished: bool = True):
    with closing(Progress(run_dir / "camera-0.progress", run_dir / "stop")) as progress:
        progress.reach(fed, 1.0, 1.0)
    rows = encode_rows(outcome(seq, scheduled_s=seq * 0.5) for seq in seqs)
    (run_dir / "results.csv").write_bytes(HEADER.encode() + rows)
    (run_dir / FILE).write_text(MODEL.model_dump_json())
    (run_dir / "session.json").write_text(Session(runtime_dir="gone").model_dump_json())
    return audit(run_dir, settings, finished=finished)


def test_a_run_with_a_row_for_each_item_is_clean(tmp_path: Path, settings: Settings) -> None:
    found = audited(tmp_path, settings, list(range(10)), fed=10)
    assert found.is_clean
    assert (found.fed, found.expected, found.rows) == (10, 10, 10)
    assert found.longest_gap_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("seqs", "fed", "lost", "duplicates"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 9], 10, 1, 0),
        ([*range(10), 4], 10, 0, 1),
        ([*range(10), 17], 10, 0, 1),
        ([*range(8)], 8, 2, 0),  # cameras that skipped items the seed puts on the belt
    ],
)
def test_what_is_missing_or_double_is_found(
    tmp_path: Path, settings: Settings, seqs: list[int], fed: int, lost: int, duplicates: int
) -> None:
    found = audited(tmp_path, settings, seqs, fed=fed)
    assert (found.lost, found.duplicates) == (lost, duplicates)
    assert not found.is_clean


def test_a_torn_row_counts_as_one_too_many(tmp_path: Path, settings: Settings) -> None:
    audited(tmp_path, settings, list(range(10)), fed=10)
    with (tmp_path / "results.csv").open("a") as file:
        file.write("0-9,0")
    assert audit(tmp_path, settings, finished=True).duplicates == 1


def test_a_loss_without_a_reason_is_found(tmp_path: Path, settings: Settings) -> None:
    audited(tmp_path, settings, list(range(9)), fed=10)
    silent = outcome(9, verdict=Verdict.DROPPED, latency_ms=None, model="")
    with (tmp_path / "results.csv").open("ab") as file:
        file.write(encode_rows([silent]))
    found = audit(tmp_path, settings, finished=True)
    assert (found.lost, found.unexplained, found.is_clean) == (0, 1, False)


def test_answers_of_a_model_that_nobody_ordered_are_found(
    tmp_path: Path, settings: Settings
) -> None:
    audited(tmp_path, settings, list(range(7)), fed=10)
    second, third = (MODEL.model_copy(update={"sha256": digit * 64}) for digit in "bc")
    models = [MODEL.short_hash, second.short_hash, third.short_hash]
    with (tmp_path / "results.csv").open("ab") as file:
        file.write(encode_rows(outcome(7 + n, model=model) for n, model in enumerate(models)))
    overrides = RuntimeOverrides(models={second.short_hash: second})
    session = Session(runtime_dir="gone", overrides=overrides)
    (tmp_path / "session.json").write_text(session.model_dump_json())
    found = audit(tmp_path, settings, finished=True)
    assert set(found.models) >= set(models)
    assert third.short_hash in found.strange_models
    assert not {MODEL.short_hash, second.short_hash} & set(found.strange_models)


def test_a_run_that_was_cut_off_is_judged_by_what_the_cameras_saw(
    tmp_path: Path, settings: Settings
) -> None:
    assert audited(tmp_path, settings, [0, 1, 2], fed=3, finished=False).is_clean


# -- the whole ------------------------------------------------------------------------------------


def test_a_short_drill_passes(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    ran = command(
        *("drill", "--scenario", "demo", "--minutes", 0.15, "--faults", 5, "--seed", 4, "--json"),
        *("--kinds", "kill,runner,model,picture,clock", "--workers", 2, "--model", tiny_model),
        *("--run-dir", run_dir, "--set", "infeed.items_per_min=900"),
        *("--set", "review.enabled=true"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    assert found == json.loads((run_dir / "drill.json").read_text())
    assert found["audit"]["expected"] == found["audit"]["fed"] == found["audit"]["rows"] > 80
    assert sum(facts["injected"] for facts in found["faults"].values()) == 5
    assert found["faults"]["runner"]["recovery_s"]["max"] > 0
    hit = [
        blow
        for record in found["fault_records"]
        if record["kind"] == "kill"
        for blow in record["hit"]
    ]
    assert sum(facts["hit"] for facts in found["roles"]) == len(hit) > 0
    assert json.loads((run_dir / "run.json").read_text())["sessions"] == 2
    names = (run_dir / "soak.csv").read_text()
    assert "runner," in names
    assert "csv_log," in names


def test_a_drill_without_an_end_is_refused(tiny_model: Path) -> None:
    refused = called("drill", "--set", "line.duration_s=0", "--model", tiny_model)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: line.duration_s: a drill needs ")
