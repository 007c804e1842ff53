"""Whose threshold holds: the model's, an order's, or that of a purity that was promised."""

from __future__ import annotations

from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from line.config import load
from line.dispatch.decision_rules import DecisionRules, decision_rules_of
from line.model.facts import ModelFacts
from line.outcome import Verdict
from line.run_files.session import FILE, Session

CLASSES = ("glass", "metal")
OWN = ModelFacts(path="own", sha256="ab" * 32, classes=CLASSES)
NEXT = ModelFacts(path="next", sha256="cd" * 32, classes=CLASSES)


def rules(run_dir: Path, *, novelty_energy: float | str = "off", **overrides: Any) -> DecisionRules:
    promised = {
        "class_name": "metal",
        "purity": 0.98,
        "threshold": 0.9,
        "labels": 300,
        "reach": 200,
        "wrong": 0,
        "model": OWN.short_hash,
    }
    settings = load(environment={}).replaced(
        {"decision": {"threshold": 0.6, "promised": [promised], "novelty_energy": novelty_energy}}
    )
    session = Session(runtime_dir="", overrides=overrides)  # type: ignore[arg-type]
    (run_dir / FILE).write_text(session.model_dump_json())
    context: Any = SimpleNamespace(run_dir=run_dir, settings=settings, model=OWN)
    return decision_rules_of(context)


@pytest.mark.parametrize(
    ("ordered", "glass", "metal"), [(None, 0.6, 0.9), (0.3, 0.3, 0.9), (0.95, 0.95, 0.95)]
)
def test_an_order_makes_a_promised_class_stricter_and_never_laxer(
    tmp_path: Path, ordered: float | None, glass: float, metal: float
) -> None:
    found = rules(tmp_path, threshold=ordered)
    assert (found.threshold_of("glass"), found.threshold_of("metal")) == (glass, metal)


def test_a_promise_is_for_no_other_model(tmp_path: Path) -> None:
    models = {NEXT.short_hash: NEXT, OWN.short_hash: OWN}
    found = rules(tmp_path, models={name: each.model_dump() for name, each in models.items()})
    assert found.others[NEXT.short_hash].threshold_of("metal") == 0.6
    assert found.others[OWN.short_hash].threshold_of("metal") == 0.9


def test_a_verdict_goes_by_the_threshold_of_the_predicted_class(tmp_path: Path) -> None:
    found = rules(tmp_path)
    assert found.verdict("glass", "glass", 0.7, 1.0) is Verdict.SORTED
    assert found.verdict("metal", "metal", 0.7, 1.0) is Verdict.LOW_CONFIDENCE
    assert found.verdict("metal", "metal", 0.9, 1.0) is Verdict.SORTED
    assert found.verdict("metal", "metal", 0.95, -1.0) is Verdict.LATE


@pytest.mark.parametrize(
    ("setting", "named", "own", "other"),
    [("off", None, inf, inf), (-1.5, None, -1.5, -1.5), (-1.5, -4.0, -1.5, -4.0)],
)
def test_a_limit_of_energy_is_the_settings_or_where_they_leave_it_the_models(
    tmp_path: Path, setting: float | str, named: float | None, own: float, other: float
) -> None:
    models = {NEXT.short_hash: NEXT.model_copy(update={"novelty_energy": named}).model_dump()}
    found = rules(tmp_path, novelty_energy=setting, models=models)
    assert (found.novelty_energy, found.others[NEXT.short_hash].novelty_energy) == (own, other)
