"""The experiment's parts: figures by hand, and a bench on which margin must beat random."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer needs scikit-learn")

from training.selection.coverage import unit_rows
from training.selection.labelling import Bench, Campaign, Plan, Point, budgets, fit_head, play
from training.selection.outcome import Interval, area, compare, labels_needed, mean_curve, summarise

X = np.array([10.0, 20.0, 40.0])


def test_mean_and_interval() -> None:
    [first, second] = mean_curve(np.array([[0.5, 0.8], [0.7, 0.8]]))
    assert first.value == pytest.approx(0.6)
    # Student's t for one degree of freedom times 0.1·√2 ÷ √2
    assert first.high - first.value == pytest.approx(12.706 * 0.1, rel=1e-3)
    assert second == Interval(pytest.approx(0.8), pytest.approx(0.8), pytest.approx(0.8))


def test_area_is_the_mean_height() -> None:
    assert area(X, np.full((3, 3), 0.7)).value == pytest.approx(0.7)
    curves = np.array([[0.2, 0.4, 0.8]] * 2)
    assert area(X, curves).value == pytest.approx((0.3 * 10 + 0.6 * 20) / 30)


def test_labels_needed_are_read_off_between_budgets() -> None:
    curve = np.array([0.5, 0.7, 0.8])
    assert labels_needed(X, curve, 0.6) == pytest.approx(15)
    assert labels_needed(X, curve, 0.75) == pytest.approx(30)
    assert labels_needed(X, curve, 0.7) == pytest.approx(20)
    assert labels_needed(X, curve, 0.4) == 10
    assert labels_needed(X, curve, 0.9) == math.inf


def test_ratio_to_random() -> None:
    random = np.array([[0.5, 0.6, 0.8]] * 4)
    better = np.array([[0.5, 0.8, 0.9]] * 4)
    ratio = compare(X, better, random, 0.8)
    assert ratio == Interval(0.5, 0.5, 0.5)
    assert compare(X, random, better, 0.8).value == 2.0
    assert compare(X, random, better, 0.85).value == math.inf
    assert math.isnan(compare(X, better, random, 0.85).value)


def test_interval_of_a_ratio_covers_what_the_seeds_say() -> None:
    rng = np.random.default_rng(0)
    random = np.array([0.5, 0.6, 0.8]) + rng.normal(0, 0.02, (10, 1))
    better = np.array([0.5, 0.8, 0.9]) + rng.normal(0, 0.02, (10, 1))
    ratio = compare(X, better, random, 0.75)
    assert 0.4 < ratio.low < ratio.value < ratio.high < 0.8


def test_budgets_end_where_the_pictures_do() -> None:
    assert list(budgets(10, 5, 3, 100)) == [10, 15, 20, 25]
    assert list(budgets(10, 5, 3, 21)) == [10, 15, 20]


def test_head_knows_nothing_of_classes_without_a_label() -> None:
    vectors = unit_rows(np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]]))
    probabilities = fit_head(vectors, np.array([0, 2, 0]), 4, 10.0)(vectors)
    assert probabilities.shape == (3, 4)
    assert probabilities[:, [1, 3]].sum() == 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.argmax(axis=1).tolist() == [0, 2, 0]
    only = fit_head(vectors, np.array([1, 1, 1]), 2, 10.0)(vectors)
    assert only.tolist() == [[0, 1]] * 3


def bench() -> Bench:
    """Many easy pictures, and few near the border that tells two classes apart."""
    rng = np.random.default_rng(5)

    def draw(easy: int, hard: int) -> tuple[np.ndarray, np.ndarray]:
        side = rng.integers(2, size=easy + hard)
        distance = np.concatenate([rng.uniform(2, 3, easy), rng.uniform(0.02, 0.3, hard)])
        noise = rng.normal(0, 0.5, (easy + hard, 10))
        # Easy pictures differ in a second way too, which misleads near the border.
        shortcut = np.where(
            np.arange(easy + hard) < easy, side * 2 - 1, rng.normal(size=easy + hard)
        )
        first = distance * (side * 2 - 1)
        return unit_rows(np.column_stack([first, 3 * shortcut, noise])), side.astype(np.int64)

    train, train_labels = draw(450, 150)
    val, val_labels = draw(50, 300)
    return Bench(("left", "right"), train, train_labels, val, val_labels)


def test_margin_beats_random_on_a_border() -> None:
    plan = Plan(tuple(range(10, 131, 20)), "random", 10.0)
    easy = bench()
    campaigns = {
        name: [play(easy, plan, name, s) for s in range(6)] for name in ("random", "margin")
    }
    outcome = summarise(campaigns, None, 0.95)
    assert list(outcome.strategies) == ["margin", "random"]
    margin, random = (outcome.strategies[name] for name in ("margin", "random"))
    assert margin.area.low > random.area.high
    assert margin.labels_needed is None
    assert outcome.best == "margin"


def test_campaigns_depend_on_the_seed_alone() -> None:
    easy, plan = bench(), Plan((10, 20, 30), "random", 10.0)
    first = play(easy, plan, "margin", 1)
    assert first == play(easy, plan, "margin", 1)
    assert first != play(easy, plan, "margin", 2)
    # The same start as random's, so that seeds can be compared in pairs.
    assert first.chosen[:10] == play(easy, plan, "random", 1).chosen[:10]
    assert len(set(first.chosen)) == len(first.chosen) == 30
    assert [point.labels for point in first.points] == [10, 20, 30]
    cold = play(easy, Plan((10, 20), "typiclust", 10.0), "margin", 1)
    assert cold.chosen[:10] == play(easy, plan, "typiclust", 1).chosen[:10]


def campaign(*accuracies: float) -> Campaign:
    points = zip((10, 20, 40), accuracies, strict=True)
    return Campaign(tuple(Point(n, a, a / 2) for n, a in points), ())


def test_outcome_in_figures_and_files(tmp_path: Path) -> None:
    from training.options import load
    from training.selection.options import SimulateSettings
    from training.selection.outcome_files import outcome_table, write_curve, write_summary

    campaigns = {
        "random": [campaign(0.4, 0.5, 0.8)] * 2,
        "margin": [campaign(0.4, 0.8, 0.85)] * 2,
        "coreset": [campaign(0.1, 0.2, 0.3)] * 2,
    }
    outcome = summarise(campaigns, Point(100, 0.8, 0.7), 1.0)
    write_curve(tmp_path / "curve.csv", outcome)
    rows = list(csv.DictReader((tmp_path / "curve.csv").read_text().splitlines()))
    assert [row["strategy"] for row in rows] == ["margin"] * 3 + ["random"] * 3 + ["coreset"] * 3
    assert float(rows[1]["accuracy"]) == float(rows[1]["accuracy_low"]) == 0.8
    assert float(rows[1]["macro_f1"]) == 0.4
    settings = load(SimulateSettings, {"data": tmp_path, "out": tmp_path})
    write_summary(tmp_path / "summary.json", settings, outcome, None)
    strategies = json.loads((tmp_path / "summary.json").read_text())["strategies"]
    assert strategies["margin"]["labels_needed"] == 20
    assert strategies["margin"]["ratio_to_random"]["value"] == 0.5
    assert strategies["coreset"]["labels_needed"] is None
    cells = [list(column.cells) for column in outcome_table(outcome, 1.0).columns]
    assert cells[0] == ["margin", "random", "coreset"]
    assert cells[1] == ["20", "40", "> 40"]
    assert cells[2] == ["0.50 (0.50…0.50)", "", "– (–…–)"]
